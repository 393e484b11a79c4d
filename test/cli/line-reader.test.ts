import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { LineReader } from '../../src/cli/line-reader.js';

const COUNT = 1000;
const readerFrom = (stream: Readable): LineReader =>
  new LineReader(stream as ConstructorParameters<typeof LineReader>[0] & Readable);
const readerOf = (text: string): LineReader => readerFrom(Readable.from([Buffer.from(text)]));

test('between the lines of one chunk other work has its turn, such as a signal', async () => {
  let seen = 0;
  let seenAtTurn = COUNT;
  setImmediate(() =>
    setImmediate(() => {
      seenAtTurn = seen;
    }),
  );
  for await (const { number } of readerOf('a=1\n'.repeat(COUNT)).lines()) seen = number;
  expect(seen).toBe(COUNT);
  expect(seenAtTurn).toBeLessThan(200);
});

test('a stream that fails ends the lines, without the beginning of another one', async () => {
  const failure = Object.assign(new Error('read EIO'), { code: 'EIO' });
  const stream = new Readable({ read() {} });
  stream.push('a=1\nb=2\nc=3');
  const reader = readerFrom(stream);
  const texts: unknown[] = [];
  for await (const { number, text } of reader.lines()) {
    texts.push(text);
    if (number === 2) setImmediate(() => stream.destroy(failure));
  }
  expect(texts).toEqual(['a=1', 'b=2']);
  expect(reader.failure).toBe(failure);
});
