import { describe, expect, test } from 'vitest';
import type { QueuedEntry, Rejection } from '../../../src/core/model/entry.js';
import { Quarantine } from '../../../src/core/outbox/quarantine.js';
import { queuedEntry } from '../../support/builders/queued-entry.js';

const rejection = { status: 400, reason: 'no' };
const entry = (sequence: number, writer?: string): QueuedEntry & { rejection: Rejection } => ({
  ...queuedEntry(sequence, writer),
  timestamp: 5,
  rejection,
});

describe('a quarantine', () => {
  function filled(): Quarantine {
    const quarantine = new Quarantine();
    for (const sequence of [3, 1, 2]) quarantine.add(entry(sequence));
    return quarantine;
  }

  test('shows entries with their reasons, in the order in which they came, the same objects each time', () => {
    const quarantine = filled();
    expect(quarantine.entries.map(({ id }) => id)).toEqual(['own-3', 'own-1', 'own-2']);
    expect(quarantine.entries[0]).toEqual({
      id: 'own-3',
      timestamp: 5,
      values: [{ fieldId: 'a', value: 1 }],
      ...rejection,
    });
    quarantine.entries.forEach((one, index) => {
      expect(one).toBe(quarantine.entries[index]);
    });
    expect(quarantine.size).toBe(3);
  });

  test('hands out lists that are the caller’s own', () => {
    const quarantine = filled();
    quarantine.entries.length = 0;
    [...quarantine].length = 0;
    expect(quarantine.size).toBe(3);
    expect(quarantine.entries).toHaveLength(3);
  });

  test('takes out by id, each once, and passes over the rest', () => {
    const quarantine = filled();
    expect(quarantine.remove(['own-1', 'own-9', 'own-1']).map(({ sequence }) => sequence)).toEqual([1]);
    expect(quarantine.size).toBe(2);
    expect(quarantine.find(['own-1', 'own-2', 'own-2']).map(({ sequence }) => sequence)).toEqual([2]);
  });

  test('keeps only what is wanted', () => {
    const quarantine = filled();
    quarantine.add(entry(1, 'other'));
    quarantine.retain(({ writer }) => writer === 'other');
    expect([...quarantine].map(({ writer }) => writer)).toEqual(['other']);
  });

  test('holds an entry that is added twice once, and counts its bytes once', () => {
    const quarantine = filled();
    const { bytes } = quarantine;
    quarantine.add(entry(3));
    expect(quarantine.size).toBe(3);
    expect([...quarantine].map(({ sequence }) => sequence)).toEqual([3, 1, 2]);
    expect(quarantine.bytes).toBe(bytes);
    quarantine.remove(['own-3', 'own-1', 'own-2']);
    expect(quarantine.bytes).toBe(0);
  });
});
