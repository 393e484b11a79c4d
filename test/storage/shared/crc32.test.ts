import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ownCrc32 } from '../../../src/storage/shared/journal/crc32.js';

test('the CRC-32 for releases of Node without one is that of zlib, of bytes and of any text', () => {
  expect(ownCrc32('123456789')).toBe(0xcbf43926);
  fc.assert(fc.property(fc.uint8Array(), (bytes) => ownCrc32(Buffer.from(bytes)) === crc32(bytes)));
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => ownCrc32(text) === crc32(text)));
});
