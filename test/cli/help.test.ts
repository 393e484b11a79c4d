import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/definitions.js';
import { call } from '../support/processes/command.js';
import { reference } from './reference.js';

const NOWHERE = '/';

describe('help', () => {
  test('lists the commands, the variables and the exit codes', async () => {
    const { code, stdout, stderr } = await call(NOWHERE, ['--help']);
    expect(stdout).toMatchSnapshot();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test.each(COMMANDS.map(({ name }) => name))('of %s', async (name) => {
    const { code, stdout, stderr } = await call(NOWHERE, [name, '--help']);
    expect(stdout).toMatchSnapshot();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(await call(NOWHERE, ['help', name])).toEqual({ code, stdout, stderr });
  });

  test('fits into a terminal of 100 columns', async () => {
    for (const name of COMMANDS.map((command) => command.name)) {
      const { stdout } = await call(NOWHERE, [name, '--help']);
      expect(stdout.split('\n').filter((line) => line.length > 100)).toEqual([]);
    }
  });

  test('is shown with exit code 2 where no command is given', async () => {
    const { code, stdout, stderr } = await call(NOWHERE, []);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: nikdev-iot');
  });
});

describe('docs/cli.md', () => {
  test('is made of the definitions (npx vitest run test/cli/help.test.ts -u)', async () => {
    await expect(reference()).toMatchFileSnapshot('../../docs/cli.md');
  });

  test('is named by the README', () => {
    expect(readFileSync(new URL('../../README.md', import.meta.url), 'utf8')).toContain('docs/cli.md');
  });
});

describe('a command line that can not be used', () => {
  test.each([
    [['psuh'], /unknown command 'psuh'\n.*push/s],
    [['push', '--nwo'], /unknown option '--nwo'/],
    [['add'], /missing required argument/],
    [['commit', 'x'], /too many arguments/],
  ])('%j is refused with exit code 2', async (args, message) => {
    const { code, stdout, stderr } = await call(NOWHERE, args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  test('never shows a key', async () => {
    const { stderr } = await call(NOWHERE, ['push', '--key=abcdef01-2345-4678-9abc-def012345678']);
    expect(stderr).toContain('xxxxxxxx');
    expect(stderr).not.toContain('abcdef01');
  });

  test('acts on no terminal', async () => {
    const { stderr } = await call(NOWHERE, ['\u001b[31mred\u202e']);
    expect(stderr).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
  });
});

test('--version prints the version', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(await call(NOWHERE, ['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});
