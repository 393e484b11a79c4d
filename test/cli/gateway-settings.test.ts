import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Call } from '../../src/cli/command.js';
import { isSet, secretOf, settingOf } from '../../src/cli/commands/gateway/settings.js';
import { temporaryFolder } from '../support/disks/temporary-folder.js';
import { call } from '../support/processes/command.js';

const callWith = (env: Record<string, string>): Call => ({ options: {}, environment: { env } }) as unknown as Call;

describe('a switch that is set as a variable', () => {
  const isFrontOnly = (text: string): boolean => isSet(callWith({ NIKDEV_GATEWAY_FRONT_ONLY: text }), 'front-only');

  test.each(['1', 'true', 'YES', 'on', 'true ', ' 1\r\n'])('is on: %j', (text) => {
    expect(isFrontOnly(text)).toBe(true);
  });

  test.each(['', ' ', '0', 'false', 'No', 'off\n'])('is off: %j', (text) => {
    expect(isFrontOnly(text)).toBe(false);
  });

  test.each(['maybe', 'y', '2'])('can not be %j', async (text) => {
    const variables = { NIKDEV_GATEWAY_BEHIND_PROXY: text, NIKDEV_GATEWAY_SECRET: 'x' };
    expect(await call('/', ['gateway', 'run'], variables)).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining(
        `NIKDEV_GATEWAY_BEHIND_PROXY must be 1, true, yes or on; or 0, false, no or off; got "${text}"\n`,
      ),
    });
  });
});

describe('blanks and line ends around a variable', () => {
  test('are no part of a setting', () => {
    expect(settingOf(callWith({ NIKDEV_GATEWAY_NATS_USER: ' run\r\n' }), 'nats-user')).toBe('run');
  });

  test('are no part of a secret, neither of a variable nor of a file', () => {
    const file = join(temporaryFolder(), 'password');
    writeFileSync(file, 'hunter 2\r\n');
    expect(secretOf(callWith({ NIKDEV_GATEWAY_NATS_PASSWORD: 'hunter 2\r\n' }), 'NATS_PASSWORD')).toBe('hunter 2');
    expect(secretOf(callWith({ NIKDEV_GATEWAY_NATS_PASSWORD_FILE: `${file}\r` }), 'NATS_PASSWORD')).toBe('hunter 2');
  });
});

describe('a message about an option', () => {
  test.each([
    ['--max-bytes', '10', '--max-bytes must be like 10G or 500M, from 1M to 9000T, got "10"'],
    ['--max-bytes', '10000T', '--max-bytes must be like 10G or 500M, from 1M to 9000T, got "10000T"'],
    ['--max-messages', '1000000001', '--max-messages must be a whole number from 1 to 1000000000, got 1000000001'],
    ['--partitions', '1025', '--partitions must be a whole number from 1 to 1024, got 1025'],
    ['--replicas', '2', '--replicas must be 1, 3 or 5, got 2'],
  ])('names it as the command does: %s %s', async (flag, value, message) => {
    const { code, stderr } = await call('/', ['gateway', 'init', flag, value]);
    expect([code, stderr.split('\n', 1)[0]]).toEqual([2, `nikdev-iot: ${message}`]);
  });
});
