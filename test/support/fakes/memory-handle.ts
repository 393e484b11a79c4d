import type { AccessHandle } from '../../../src/storage/opfs/access-handles.js';

type Operation = 'write' | 'truncate' | 'flush';

/** An open file in memory. Its operations are logged, as `truncate a`, in a list that files may share. */
export class MemoryHandle implements AccessHandle {
  bytes = Buffer.alloc(0);
  /** Operations that fail. */
  readonly failing = new Set<Operation>();
  /** The position of a write that fails once its bytes are written. */
  failsAfterWriteAt = -1;
  /** The bytes that the file may have: as in Firefox, a write beyond them writes nothing. */
  space = Number.POSITIVE_INFINITY;
  mostReadAtOnce = Number.POSITIVE_INFINITY;
  readonly #name: string;
  readonly #log: string[];

  constructor(name = 'file', log: string[] = []) {
    this.#name = name;
    this.#log = log;
  }

  get text(): string {
    return this.bytes.toString();
  }

  read(target: Uint8Array, { at }: { readonly at: number }): number {
    const part = this.bytes.subarray(at, at + Math.min(target.length, this.mostReadAtOnce));
    target.set(part);
    return part.length;
  }

  write(bytes: Uint8Array, { at }: { readonly at: number }): number {
    this.#begin('write');
    const count = Math.max(0, Math.min(bytes.length, this.space - at));
    const next = Buffer.alloc(Math.max(this.bytes.length, count > 0 ? at + count : 0));
    next.set(this.bytes);
    next.set(bytes.subarray(0, count), at);
    this.bytes = next;
    if (at === this.failsAfterWriteAt) throw new Error('the write failed');
    return count;
  }

  truncate(size: number): void {
    this.#begin('truncate');
    const next = Buffer.alloc(size);
    next.set(this.bytes.subarray(0, size));
    this.bytes = next;
  }

  getSize(): number {
    return this.bytes.length;
  }

  flush(): void {
    this.#begin('flush');
  }

  close(): void {}

  #begin(operation: Operation): void {
    this.#log.push(`${operation} ${this.#name}`);
    if (this.failing.has(operation)) throw new Error(`${operation} failed`);
  }
}
