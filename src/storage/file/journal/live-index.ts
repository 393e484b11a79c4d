import { encodeRejection, type StoredEntry } from '../../../core/model/entry.js';
import { utf8Length } from '../../../core/model/values-json.js';
import { RangeSet } from '../../shared/range-set.js';

/** What a record takes beside the values' text, and what a writer's destination takes: rounded up. */
const RECORD_BYTES = 64;
const BINDING_BYTES = 160;

/** What of one writer is wanted. */
export interface Live {
  readonly sequences: RangeSet;
  bytes: number;
  /** Of those in quarantine: how many bytes the note of that takes. */
  readonly quarantined: Map<number, number>;
  hasStaged: boolean;
}

/** What in a journal is still wanted. Exact: whatever is added or removed twice counts once. */
export class LiveIndex {
  /** By writer id; only those of which something is wanted. */
  readonly #live = new Map<string, Live>();
  #entries = 0;
  #bytes = 0;
  #staged = 0;

  /** How many entries are wanted. */
  get entries(): number {
    return this.#entries;
  }

  /** How many writers have staged values. */
  get staged(): number {
    return this.#staged;
  }

  /** How many bytes a file with nothing else takes at most, staged values left aside. */
  get bytes(): number {
    return this.#bytes + this.#live.size * BINDING_BYTES;
  }

  /** The writers of which something is wanted. */
  get writers(): Iterable<string> {
    return this.#live.keys();
  }

  has(writer: string): boolean {
    return this.#live.has(writer);
  }

  /** Whether entries of a writer are wanted. */
  hasEntriesOf(writer: string): boolean {
    return (this.#live.get(writer)?.sequences.size ?? 0) > 0;
  }

  wants(writer: string, sequence: number): boolean {
    return this.#live.get(writer)?.sequences.has(sequence) ?? false;
  }

  add(entry: StoredEntry): void {
    const { writer, sequence, bytes } = entry;
    const live = this.#liveOf(writer);
    if (!live.sequences.add(sequence)) return;
    this.#entries += 1;
    this.#grow(live, bytes + RECORD_BYTES);
    if (entry.rejection !== undefined) this.quarantine(entry);
  }

  /** An entry that is wanted is in quarantine from now on. */
  quarantine({ writer, sequence, rejection }: StoredEntry): void {
    const live = this.#live.get(writer);
    if (rejection === undefined || !live?.sequences.has(sequence)) return;
    const bytes = utf8Length(encodeRejection(rejection)) + RECORD_BYTES;
    this.#grow(live, bytes - (live.quarantined.get(sequence) ?? 0));
    live.quarantined.set(sequence, bytes);
  }

  remove({ writer, sequence, bytes }: StoredEntry): void {
    const live = this.#live.get(writer);
    if (!live?.sequences.delete(sequence)) return;
    this.#entries -= 1;
    this.#grow(live, -(bytes + RECORD_BYTES + (live.quarantined.get(sequence) ?? 0)));
    live.quarantined.delete(sequence);
    this.#forgetIfEmpty(writer);
  }

  setStaged(writer: string, hasStaged: boolean): void {
    const live = this.#liveOf(writer);
    if (live.hasStaged !== hasStaged) this.#staged += hasStaged ? 1 : -1;
    live.hasStaged = hasStaged;
    this.#forgetIfEmpty(writer);
  }

  /** Those of the entries that are wanted, each once: by writer, their sequence numbers. */
  among(entries: readonly StoredEntry[]): Map<string, RangeSet> {
    const found = new Map<string, RangeSet>();
    for (const { writer, sequence } of entries) {
      if (!this.#live.get(writer)?.sequences.has(sequence)) continue;
      const sequences = found.get(writer) ?? new RangeSet();
      found.set(writer, sequences);
      sequences.add(sequence);
    }
    return found;
  }

  /** No entry of a writer is wanted any more. @returns What was, for {@link LiveIndex.putBack}. */
  removeEntriesOf(writer: string): Live | undefined {
    const live = this.#live.get(writer);
    if (live === undefined) return undefined;
    this.#entries -= live.sequences.size;
    this.#bytes -= live.bytes;
    this.#live.delete(writer);
    if (live.hasStaged) this.#liveOf(writer).hasStaged = true;
    return live;
  }

  /** All that {@link LiveIndex.removeEntriesOf} returned is wanted again. */
  putBack(writer: string, live: Live): void {
    this.#entries += live.sequences.size;
    this.#bytes += live.bytes;
    this.#live.set(writer, live);
  }

  #grow(live: Live, bytes: number): void {
    live.bytes += bytes;
    this.#bytes += bytes;
  }

  #liveOf(writer: string): Live {
    const known = this.#live.get(writer);
    if (known !== undefined) return known;
    const live = { sequences: new RangeSet(), bytes: 0, quarantined: new Map<number, number>(), hasStaged: false };
    this.#live.set(writer, live);
    return live;
  }

  #forgetIfEmpty(writer: string): void {
    const live = this.#live.get(writer);
    if (live && live.sequences.size === 0 && !live.hasStaged) this.#live.delete(writer);
  }
}
