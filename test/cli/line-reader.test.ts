import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { LineReader } from '../../src/cli/line-reader.js';

const COUNT = 1000;
const readerOf = (text: string): LineReader =>
  new LineReader(Readable.from([Buffer.from(text)]) as unknown as NodeJS.ReadStream);

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
