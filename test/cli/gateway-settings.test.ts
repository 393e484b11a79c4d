import { describe, expect, test } from 'vitest';
import { call } from '../support/processes/command.js';

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
