import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LogOutput } from '../../src/gateway/operations/log-output.js';
import { temporaryFolder } from '../support/disks/temporary-folder.js';

const lineOf = (number: number) => `${JSON.stringify({ number, text: 'x'.repeat(1000) })}\n`;

describe.skipIf(process.platform === 'win32')('the log of a gateway', () => {
  let writing: number;
  let reading: number;
  beforeEach(() => {
    const pipe = join(temporaryFolder(), 'pipe');
    execFileSync('mkfifo', [pipe]);
    reading = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    writing = openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
  });
  afterEach(() => {
    closeSync(writing);
    closeSync(reading);
  });

  /** Reads what the pipe holds. */
  const read = (): string => {
    const bytes = Buffer.alloc(1_000_000);
    try {
      return bytes.toString('utf8', 0, readSync(reading, bytes));
    } catch {
      return '';
    }
  };

  /** Writes so many lines at once, and reads until a check passes. */
  async function writeAndRead(count: number, check: (text: string) => void): Promise<{ number: number }[]> {
    const output = new LogOutput(writing);
    for (let number = 0; number < count; number++) output.write(lineOf(number));
    let text = '';
    await vi.waitFor(
      () => {
        text += read();
        check(text);
      },
      { timeout: 20_000, interval: 20 },
    );
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { number: number });
  }

  test('reaches a reader that is slower than the pipe, in whole lines', async () => {
    const lines = await writeAndRead(300, (text) => expect(text.split('\n')).toHaveLength(301));
    expect(lines.map(({ number }) => number)).toEqual(Array.from({ length: 300 }, (_, number) => number));
  });

  test('drops further lines than a megabyte while nobody reads', async () => {
    const lines = await writeAndRead(2000, (text) => {
      expect(text.split('\n').length).toBeGreaterThan(1000);
      expect(text.endsWith('\n')).toBe(true);
    });
    expect(lines.length + 1).toBeLessThan(1200);
    for (const line of lines) expect(line).toMatchObject({ text: 'x'.repeat(1000) });
  });
});
