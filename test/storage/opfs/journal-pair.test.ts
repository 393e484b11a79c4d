import { describe, expect, test } from 'vitest';
import { JournalPair } from '../../../src/storage/opfs/journal-pair.js';
import { MemoryHandle } from '../../support/fakes/memory-handle.js';

const HEADER_BYTES = 33;

function setUp() {
  const log: string[] = [];
  const [a, b] = [new MemoryHandle('a', log), new MemoryHandle('b', log)];
  return { log, a, b, pair: open(a, b) };
}

const open = (one: MemoryHandle, other: MemoryHandle): JournalPair =>
  new JournalPair('x', [one, other], { isSynced: true });

const textOf = (pair: JournalPair): string => Buffer.from(pair.read()).toString();

/** The records that the next worker reads, whichever file it opens first. */
function reopened(a: MemoryHandle, b: MemoryHandle): string {
  const text = textOf(open(a, b));
  expect(textOf(open(b, a))).toBe(text);
  return text;
}

describe('the current file', () => {
  test('is that of the higher generation, though the former one is larger: it was not emptied', () => {
    const { a, b, pair } = setUp();
    pair.append('a former record that is long\n');
    a.failing.add('truncate');
    pair.replace(['new\n']);
    expect(a.getSize()).toBeGreaterThan(b.getSize());
    expect(reopened(a, b)).toBe('new\n');
  });

  test('is the larger one where neither has a header', () => {
    const { a, b } = setUp();
    a.bytes = Buffer.from(`${'damaged '.repeat(5)}\n`);
    b.bytes = Buffer.from(`${'damaged '.repeat(6)}\n`);
    expect(reopened(a, b)).toBe(b.text);
  });

  test('is not one whose header is damaged', () => {
    const { a, b, pair } = setUp();
    pair.append('record\n');
    b.bytes = Buffer.from('nikdev-iot-1 0000000009 deadbeef\nforeign\n');
    expect(reopened(a, b)).toBe('record\n');
  });

  test('is empty where its first write was cut off', () => {
    const { a, b } = setUp();
    a.bytes = Buffer.from('nikdev-iot-1 00');
    const pair = open(a, b);
    expect(pair.size).toBe(0);
    pair.append('record\n');
    expect(reopened(a, b)).toBe('record\n');
  });
});

describe('reading', () => {
  test('goes on until all bytes are read', () => {
    const { a, pair } = setUp();
    pair.append('a record\nanother\n');
    a.mostReadAtOnce = 3;
    expect(textOf(pair)).toBe('a record\nanother\n');
  });

  test('ends where the file does, though it was larger', () => {
    const { a, pair } = setUp();
    pair.append('a record\nanother\n');
    a.truncate(HEADER_BYTES + 'a record\n'.length);
    expect(textOf(pair)).toBe('a record\n');
  });
});

describe('appending', () => {
  test('F19 a record for which there is no space leaves no byte in the file', () => {
    const { a, pair } = setUp();
    pair.append('record\n');
    a.space = a.getSize() + 3;
    expect(() => pair.append('another\n')).toThrow(expect.objectContaining({ name: 'StorageException', isFull: true }));
    expect(a.text.slice(HEADER_BYTES)).toBe('record\n');
    expect(pair.isBroken).toBe(false);
  });

  test('half a record that can not be removed breaks the journal until it is rewritten', () => {
    const { a, b, pair } = setUp();
    pair.append('record\n');
    a.space = a.getSize() + 3;
    a.failing.add('truncate');
    expect(() => pair.append('another\n')).toThrow(/quota/);
    expect(pair.isBroken).toBe(true);
    pair.replace(['record\n']);
    expect(pair.isBroken).toBe(false);
    expect(reopened(a, b)).toBe('record\n');
  });
});

describe('a replacement', () => {
  test('syncs the records before their header, and the header before the former file is emptied', () => {
    const { log, pair } = setUp();
    pair.append('former\n');
    log.length = 0;
    pair.replace(['record\n']);
    expect(log).toEqual(['truncate b', 'write b', 'flush b', 'write b', 'flush b', 'truncate a']);
  });

  test('leaves nothing of what the other file had', () => {
    const { a, b, pair } = setUp();
    pair.append('a former record that is long\n');
    a.failing.add('truncate');
    pair.replace(['new\n']);
    a.failing.clear();
    pair.replace(['newer\n']);
    expect(textOf(pair)).toBe('newer\n');
    expect(reopened(a, b)).toBe('newer\n');
  });

  test('has a higher generation than all before it, should a former file return', () => {
    const { a, b, pair } = setUp();
    pair.append('1\n');
    for (const text of ['2\n', '3\n', '4\n']) {
      const [formerA, formerB] = [a.bytes, b.bytes];
      pair.replace([text]);
      // A power cut undid that it was emptied.
      if (a.getSize() === 0) a.bytes = formerA;
      else b.bytes = formerB;
      expect(reopened(a, b)).toBe(text);
    }
  });

  test('changes the signature each time, though the size stays', () => {
    const { pair } = setUp();
    pair.append('1\n');
    const signatures = [pair.signature];
    for (const text of ['2\n', '3\n']) {
      pair.replace([text]);
      signatures.push(pair.signature);
    }
    expect(new Set(signatures).size).toBe(3);
  });

  test('F19 for which there is no space keeps the former records', () => {
    const { a, b, pair } = setUp();
    pair.append('former\n');
    b.space = HEADER_BYTES + 3;
    expect(() => pair.replace(['record\n'])).toThrow(expect.objectContaining({ isFull: true }));
    pair.append('next\n');
    expect(textOf(pair)).toBe('former\nnext\n');
    expect(reopened(a, b)).toBe('former\nnext\n');
    expect(pair.isBroken).toBe(false);
  });

  test('that fails after its header was written does not replace the records that follow', () => {
    const { a, b, pair } = setUp();
    pair.append('former\n');
    b.failsAfterWriteAt = 0;
    expect(() => pair.replace(['record\n'])).toThrow(/could not be written/);
    pair.append('next\n');
    expect(reopened(a, b)).toBe('former\nnext\n');
  });

  test('that can not be undone breaks the journal until the next one', () => {
    const { b, pair } = setUp();
    pair.append('former\n');
    b.failing.add('truncate');
    expect(() => pair.replace(['record\n'])).toThrow(/could not be written/);
    expect(pair.isBroken).toBe(true);
    b.failing.clear();
    pair.replace(['record\n']);
    expect(pair.isBroken).toBe(false);
  });
});

test.each(['append', 'appendDurably', 'appendPieces'] as const)('%s syncs only entries', (method) => {
  const { log, pair } = setUp();
  if (method === 'appendPieces') pair.appendPieces(['record\n', 'another\n']);
  else pair[method]('record\n');
  expect(log.includes('flush a')).toBe(method !== 'append');
});

test('F19 overwriting that fails throws a StorageException', () => {
  const { a, pair } = setUp();
  pair.append('one\ntwo\n');
  a.failing.add('write');
  expect(() => pair.overwrite([{ position: 0, bytes: Buffer.from('two\n') }], 4)).toThrow(
    expect.objectContaining({ name: 'StorageException', isFull: false }),
  );
});

test('overwriting syncs the bytes before the file is cut', () => {
  const { log, a, pair } = setUp();
  pair.append('one\ntwo\n');
  log.length = 0;
  pair.overwrite([{ position: 0, bytes: Buffer.from('two\n') }], 4);
  expect(log).toEqual(['write a', 'flush a', 'truncate a']);
  expect(a.text.slice(HEADER_BYTES)).toBe('two\n');
});
