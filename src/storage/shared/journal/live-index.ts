import { encodeRejection, type StoredEntry } from '../../../core/model/entry.js';
import { utf8Length } from '../../../core/model/values-json.js';
import { RangeSet } from '../range-set.js';
import type { WriterHeads } from './journal-text.js';

/** The size of a record without the text of its values, rounded up. */
const RECORD_BYTES = 64;
/** The size of a record of a writer's destination, rounded up. */
const DESTINATION_BYTES = 160;

/** The live records of one writer. */
export interface Live {
  readonly sequences: RangeSet;
  bytes: number;
  /** The size of each quarantine record, by sequence number. */
  readonly quarantined: Map<number, number>;
  hasStaged: boolean;
}

/** The live records of a journal: neither removed nor replaced. Adding or removing an entry twice counts once. */
export class LiveIndex {
  /** By writer id; only writers with live records. */
  readonly #live = new Map<string, Live>();
  /** The writers whose destination is in the file. */
  readonly #registered = new Set<string>();
  #entries = 0;
  #bytes = 0;
  #staged = 0;

  /** The number of live entries. */
  get entries(): number {
    return this.#entries;
  }

  /** The number of writers with staged values. */
  get staged(): number {
    return this.#staged;
  }

  /** The size of a file with only the live records, rounded up, without staged values. */
  get bytes(): number {
    return this.#bytes + this.#live.size * DESTINATION_BYTES;
  }

  /** The writers with live records. */
  get writers(): Iterable<string> {
    return this.#live.keys();
  }

  has(writer: string): boolean {
    return this.#live.has(writer);
  }

  hasEntriesOf(writer: string): boolean {
    return (this.#live.get(writer)?.sequences.size ?? 0) > 0;
  }

  isLive(writer: string, sequence: number): boolean {
    return this.#live.get(writer)?.sequences.has(sequence) ?? false;
  }

  isRegistered(writer: string): boolean {
    return this.#registered.has(writer);
  }

  /** Adds the destination and staged values of writers, once their entries are added. */
  addHeads(heads: WriterHeads): void {
    for (const [writer, { destination, staged }] of heads) {
      if (staged) this.setStaged(writer, true);
      // A rewritten file lacks the destination of a writer without live records.
      if (destination && this.has(writer)) this.register(writer);
    }
  }

  /** The file has the destination of the writer. */
  register(writer: string): void {
    this.#registered.add(writer);
  }

  add(entry: StoredEntry): void {
    const { writer, sequence, bytes } = entry;
    const live = this.#liveOf(writer);
    if (!live.sequences.add(sequence)) return;
    this.#entries += 1;
    this.#grow(live, bytes + RECORD_BYTES);
    if (entry.rejection !== undefined) this.quarantine(entry);
  }

  /** Counts the quarantine record of a live entry. */
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
    this.#removeIfEmpty(writer);
  }

  setStaged(writer: string, hasStaged: boolean): void {
    const live = this.#liveOf(writer);
    if (live.hasStaged !== hasStaged) this.#staged += hasStaged ? 1 : -1;
    live.hasStaged = hasStaged;
    this.#removeIfEmpty(writer);
  }

  /** @returns The removed entries, for {@link LiveIndex.restoreEntriesOf}. */
  removeEntriesOf(writer: string): Live | undefined {
    const live = this.#live.get(writer);
    if (live === undefined) return undefined;
    this.#entries -= live.sequences.size;
    this.#bytes -= live.bytes;
    this.#live.delete(writer);
    if (live.hasStaged) this.#liveOf(writer).hasStaged = true;
    return live;
  }

  restoreEntriesOf(writer: string, live: Live): void {
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

  #removeIfEmpty(writer: string): void {
    const live = this.#live.get(writer);
    if (live && live.sequences.size === 0 && !live.hasStaged) this.#live.delete(writer);
  }
}
