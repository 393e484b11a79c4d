import type { Bytes } from '../shared/journal/bytes.js';
import type { PlacedBytes } from '../shared/journal/compaction.js';
import { crc32 } from '../shared/journal/crc32.js';
import type { AppendableFile } from '../shared/journal/journal-records.js';
import { type Line, linesIn } from '../shared/journal/lines.js';
import { quietly } from '../shared/quietly.js';
import type { AccessHandle } from './access-handles.js';
import { nothingWritten, storageException } from './opfs-errors.js';

/*
 * A journal is a pair of files, as no file can be opened synchronously. The current file has a header and the records:
 *
 *   nikdev-iot-1 <generation, 10 digits> <CRC-32 of the generation, 8 hexadecimal digits>\n
 *
 * A rewriting fills the spare file: the records, then, once these are synced, the header of the next generation; last, the former
 * file is emptied. The file of the highest generation is the current file, so that a crash at any point leaves the old records or
 * the new ones: a rewriting that was cut off has no header.
 */
const HEADER_BYTES = 33;

const encoder = /* @__PURE__ */ new TextEncoder();
const decoder = /* @__PURE__ */ new TextDecoder();

interface PairedFile {
  readonly handle: AccessHandle;
  /** 0 without a header. */
  readonly generation: number;
  readonly size: number;
}

/** The bytes of a journal in two files that this worker has open. */
export class JournalPair implements AppendableFile {
  readonly path: string;
  readonly #isSynced: boolean;
  #current: AccessHandle;
  #spare: AccessHandle;
  #generation: number;
  /** The bytes of the current file, header included; 0 before the header is written. */
  #size = 0;
  #isBroken = false;

  /**
   * @param handles - Two.
   * @param isSynced - Whether saved entries must survive a power cut.
   */
  constructor(path: string, handles: readonly AccessHandle[], { isSynced }: { readonly isSynced: boolean }) {
    const [one, other] = handles.map(fileOf) as [PairedFile, PairedFile];
    const [current, spare] = isBehind(one, other) ? [other, one] : [one, other];
    this.path = path;
    this.#isSynced = isSynced;
    this.#current = current.handle;
    this.#spare = spare.handle;
    this.#generation = current.generation;
    this.measure();
  }

  get size(): number {
    return this.#size;
  }

  /** Whether half a record, or half a rewriting, could not be undone: the journal has to be rewritten before the next save. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Changes whenever the records do. */
  get signature(): string {
    return `${this.#generation} ${this.#size}`;
  }

  /** The position of the first record. A damaged header is read as an unreadable line. */
  get #start(): number {
    return this.#generation === 0 ? 0 : HEADER_BYTES;
  }

  measure(): void {
    const size = this.#current.getSize();
    // Shorter than a header: the first write was cut off.
    this.#size = size <= HEADER_BYTES && this.#generation === 0 ? 0 : size;
  }

  read(): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, this.#size - this.#start));
    let read = 0;
    for (let count = -1; count !== 0 && read < bytes.length; read += count)
      count = this.#read(bytes.subarray(read), read);
    return bytes.subarray(0, read);
  }

  lines(): Generator<Line> {
    return linesIn({
      size: Math.max(0, this.#size - this.#start),
      allocate: (length) => new Uint8Array(length),
      read: (target, position) => this.#read(target, position),
    });
  }

  append(text: string): void {
    this.#append([text], { isSynced: false });
  }

  appendDurably(text: string): void {
    this.#append([text], { isSynced: this.#isSynced });
  }

  appendPieces(pieces: Iterable<string>): void {
    this.#append(pieces, { isSynced: this.#isSynced });
  }

  truncate(): void {
    try {
      this.#current.truncate(this.#start);
    } catch (error) {
      throw storageException(error, this.path);
    }
    this.#size = this.#start;
  }

  overwrite(writes: readonly PlacedBytes[], length: number): void {
    const end = this.#start + length;
    try {
      for (const { position, bytes } of writes) writeWhole(this.#current, bytes, this.#start + position);
      this.#current.flush();
      this.#current.truncate(end);
    } catch (error) {
      throw storageException(error, this.path);
    }
    this.#size = end;
  }

  /**
   * Replaces all records, by the files' exchange.
   *
   * @throws {@link StorageException} if the new records could not be written; the old ones are complete then.
   */
  replace(pieces: Iterable<string | Uint8Array>): void {
    const former = this.#current;
    try {
      this.#size = this.#fill(this.#spare, pieces);
    } catch (error) {
      throw storageException(error, this.path);
    }
    this.#current = this.#spare;
    this.#spare = former;
    this.#generation += 1;
    this.#isBroken = false;
    // Not emptied while the new header may be lost by a power cut.
    quietly(() => {
      this.#current.flush();
      former.truncate(0);
    });
  }

  /** Empties the file before the last rewriting, whose records must not return if only the current file is deleted. */
  emptyFormer(): void {
    this.#spare.truncate(0);
  }

  isInPlace(): boolean {
    return true;
  }

  close(): void {
    for (const handle of [this.#current, this.#spare]) quietly(() => handle.close());
  }

  #read(target: Bytes, position: number): number {
    return this.#current.read(target, { at: this.#start + position });
  }

  #append(pieces: Iterable<string>, { isSynced }: { readonly isSynced: boolean }): void {
    const before = this.#size;
    try {
      if (before === 0) this.#begin();
      let end = this.#size;
      for (const piece of pieces) end = writeWhole(this.#current, encoder.encode(piece), end);
      if (isSynced) this.#current.flush();
      this.#size = end;
    } catch (error) {
      this.#undo(before);
      throw storageException(error, this.path);
    }
  }

  /** Writes the header of the first records. */
  #begin(): void {
    this.#size = writeWhole(this.#current, headerOf(1), 0);
    this.#generation = 1;
  }

  /** Removes a record that was not written or synced completely: it would be read as saved. */
  #undo(size: number): void {
    this.#size = size;
    this.#isBroken ||= quietly(() => this.#current.truncate(size) === undefined) === undefined;
  }

  /** Writes the records of the next generation. @returns The size of the file. */
  #fill(file: AccessHandle, pieces: Iterable<string | Uint8Array>): number {
    let end = HEADER_BYTES;
    try {
      file.truncate(0);
      for (const piece of pieces)
        end = writeWhole(file, typeof piece === 'string' ? encoder.encode(piece) : piece, end);
      file.flush();
      writeWhole(file, headerOf(this.#generation + 1), 0);
      return end;
    } catch (error) {
      // With its header, it would replace the records that follow in the current file.
      this.#isBroken ||= quietly(() => file.truncate(0) === undefined) === undefined;
      throw error;
    }
  }
}

function headerOf(generation: number): Uint8Array {
  const digits = String(generation).padStart(10, '0');
  return encoder.encode(`nikdev-iot-1 ${digits} ${crc32(digits).toString(16).padStart(8, '0')}\n`);
}

function fileOf(handle: AccessHandle): PairedFile {
  const bytes = new Uint8Array(HEADER_BYTES);
  handle.read(bytes, { at: 0 });
  const text = decoder.decode(bytes);
  const generation = Number(/^nikdev-iot-1 (\d{10}) /.exec(text)?.[1] ?? 0);
  const isValid = generation > 0 && text === decoder.decode(headerOf(generation));
  return { handle, generation: isValid ? generation : 0, size: handle.getSize() };
}

/** Without any header, the larger file has more records. */
const isBehind = (one: PairedFile, other: PairedFile): boolean =>
  one.generation < other.generation || (one.generation === other.generation && one.size < other.size);

/** Writes all bytes: a write can be short. @returns The position behind them. */
function writeWhole(handle: AccessHandle, bytes: Uint8Array, at: number): number {
  for (let written = 0; written < bytes.length; ) {
    const count = handle.write(bytes.subarray(written), { at: at + written });
    if (count === 0) throw nothingWritten();
    written += count;
  }
  return at + bytes.length;
}
