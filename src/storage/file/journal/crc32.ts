import { Buffer } from 'node:buffer';
import * as zlib from 'node:zlib';

/** The CRC-32 of bytes, or of a text in UTF-8. */
export const crc32: (data: string | Buffer) => number = zlib.crc32 ?? ownCrc32;

/** By table, for releases of Node before 20.15, whose zlib has no such function. */
export function ownCrc32(data: string | Buffer): number {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  let sum = -1;
  for (const byte of bytes) sum = (TABLE[(sum ^ byte) & 0xff] as number) ^ (sum >>> 8);
  return ~sum >>> 0;
}

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  return sum;
});
