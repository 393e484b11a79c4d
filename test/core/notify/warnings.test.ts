import { describe, expect, test } from 'vitest';
import type { Warning } from '../../../src/core/model/events.js';
import { Emitter } from '../../../src/core/notify/emitter.js';
import { entriesWaiting, QueueLength, Warnings } from '../../../src/core/notify/warnings.js';

function setUp() {
  const emitter = new Emitter();
  const emitted: Warning[] = [];
  emitter.on('warning', (warning) => emitted.push(warning));
  let redacted = 0;
  const warnings = new Warnings(emitter, {
    redact(text) {
      redacted += text.length;
      return text;
    },
  });
  return { warnings, emitted, redacted: () => redacted };
}

const waiting = (number: number): Warning =>
  entriesWaiting({ deviceId: `device ${number}`, baseUrl: 'https://server.example/' }, 'this storage');

describe('warnings', () => {
  test('of 20,000 foreign destinations are 20, the last of which says that there are more, and take no time', () => {
    const { warnings, emitted, redacted } = setUp();
    const add = (count: number): number => {
      const before = redacted();
      for (let number = 0; number < count; number++) warnings.add(waiting(number));
      return redacted() - before;
    };
    const first = add(100);
    expect(warnings.all).toHaveLength(20);
    expect(warnings.all.at(-1)).toEqual({ code: 'entries-waiting', message: expect.stringMatching(/^More/) });
    expect(emitted).toEqual(warnings.all);
    const { all } = warnings;
    // Not even looked at.
    expect(add(20_000)).toBe(0);
    expect(first).toBeGreaterThan(0);
    expect(warnings.all).toBe(all);
  });

  test('of one kind leave room for the others, and are 100 in all', () => {
    const { warnings } = setUp();
    for (let number = 0; number < 1000; number++) warnings.add(waiting(number));
    warnings.add({ code: 'taken-over', message: 'taken over' });
    expect(warnings.all.at(-1)?.code).toBe('taken-over');
    const codes = ['storage-failed', 'unreadable-records', 'value-refused', 'listener-failed', 'weak-ids'] as const;
    for (const code of codes)
      for (let number = 0; number < 1000; number++) warnings.add({ code, message: `${code} ${number}` });
    expect(warnings.all).toHaveLength(100);
  });

  test('are kept once each, clean, and of bounded length', () => {
    const { warnings } = setUp();
    const message = `a\u001b[31m\u202e\nb${'x'.repeat(1024 * 1024)}`;
    warnings.add({ code: 'storage-failed', message });
    warnings.add({ code: 'storage-failed', message });
    expect(warnings.all).toHaveLength(1);
    expect(warnings.all[0]?.message).toMatch(/^a bx+$/);
    expect(warnings.all[0]?.message.length).toBeLessThan(2001);
  });

  test('show a foreign destination cut and clean', () => {
    const { message } = entriesWaiting({ deviceId: 'd'.repeat(5000), baseUrl: '\u001b]0;x\u0007\u202eb' }, 'here');
    expect(message).toMatch(/^Entries committed for device d{1,300}… at b wait in here\. They are safe/);
  });
});

describe('a long queue', () => {
  function ofLength() {
    const queue = { length: 0, bytes: 0 };
    const { warnings, emitted } = setUp();
    const queueLength = new QueueLength(queue, warnings);
    const become = (length: number, bytes = length): void => {
      const grows = length > queue.length || bytes > queue.bytes;
      Object.assign(queue, { length, bytes });
      queueLength.onRemoved();
      if (grows) queueLength.onEnqueued();
    };
    return { warnings, emitted, become };
  }

  test('of 100,000 entries is warned of once, with what to do, until it fell below half', () => {
    const { warnings, emitted, become } = ofLength();
    become(99_999);
    expect(emitted).toEqual([]);
    for (const length of [100_000, 100_001, 50_000, 150_000]) become(length);
    expect(emitted).toEqual([
      { code: 'queue-long', message: expect.stringMatching(/100000.*maxQueuedEntries.*overflow/) },
    ]);
    expect(warnings.all).toEqual(emitted);
    become(49_999);
    expect(warnings.all).toEqual([]);
    become(100_000);
    expect(emitted).toHaveLength(2);
    expect(warnings.all).toHaveLength(1);
  });

  test('of 64 MB is warned of, however few its entries are', () => {
    const { emitted, become } = ofLength();
    become(10, 63_999_999);
    expect(emitted).toEqual([]);
    become(11, 64_000_000);
    expect(emitted).toMatchObject([{ code: 'queue-long', message: expect.stringContaining('11 entries (64 MB)') }]);
  });
});
