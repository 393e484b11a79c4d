type Crc32 = (data: string | Uint8Array) => number;

interface NodeGlobal {
  readonly process?: { getBuiltinModule?(id: 'node:zlib'): { readonly crc32?: Crc32 } | undefined };
}

/** By table, for platforms without one. */
export function ownCrc32(data: string | Uint8Array): number {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
  let sum = -1;
  for (let index = 0; index < bytes.length; index++)
    sum = (TABLE[(sum ^ (bytes[index] as number)) & 0xff] as number) ^ (sum >>> 8);
  return ~sum >>> 0;
}

const TABLE = /* @__PURE__ */ Int32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  return sum;
});

/** The CRC-32 of bytes, or of a text in UTF-8: Node's own, which takes half the time for a text. */
export const crc32: Crc32 = /* @__PURE__ */ (() =>
  (globalThis as NodeGlobal).process?.getBuiltinModule?.('node:zlib')?.crc32 ?? ownCrc32)();
