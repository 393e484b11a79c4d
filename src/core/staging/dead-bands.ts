import type { Entry } from '../model/entry.js';
import type { FieldDefinitions, SchemaField } from '../model/fields.js';
import { own } from '../model/input.js';
import type { FieldValue, Value } from '../model/value.js';
import type { LastValue } from '../ports/storage.js';
import type { Clock } from '../time/clock.js';

/** The last committed value of a field. */
interface Last {
  readonly value: FieldValue;
  /** When it was committed, on the monotonic clock in milliseconds. */
  readonly at: number;
}

/** @returns `undefined` if no field has a dead band: a commit then costs what it did without. */
export function createDeadBands(definitions: FieldDefinitions | undefined, clock: Clock): DeadBands | undefined {
  const bands = new Map<string, SchemaField>();
  for (const definition of Object.values(definitions ?? {})) {
    const field = typeof definition === 'string' ? undefined : own(definition);
    if (field?.deadband !== undefined) bands.set(field.id, field);
  }
  return bands.size > 0 ? new DeadBands(bands, clock) : undefined;
}

/** Leaves out values that differ too little from the last value of their field that this run committed. */
export class DeadBands {
  readonly #bands: ReadonlyMap<string, SchemaField>;
  readonly #clock: Clock;
  /** By field id; absent before the first commit, and after an entry of the field was discarded. */
  readonly #last = new Map<string, Last>();
  #suppressed = 0;

  /** @param bands - The fields with a dead band, by field id. */
  constructor(bands: ReadonlyMap<string, SchemaField>, clock: Clock) {
    this.#bands = bands;
    this.#clock = clock;
  }

  /** The number of values left out so far. */
  get suppressed(): number {
    return this.#suppressed;
  }

  /** The values that are to be committed. Changes nothing, as the commit may fail. */
  select(values: readonly Value[]): Value[] {
    return values.filter(({ fieldId, value }) => !this.#isWithin(fieldId, value));
  }

  /** A commit succeeded. @param values - The committed values. @param suppressed - How many were left out. */
  onCommitted(values: readonly Value[], suppressed: number): void {
    this.#suppressed += suppressed;
    const at = this.#clock.monotonic();
    for (const { fieldId, value } of values) if (this.#bands.has(fieldId)) this.#last.set(fieldId, { value, at });
  }

  /** Goes on from values that earlier runs committed. */
  adopt(values: readonly LastValue[]): void {
    const now = this.#clock.monotonic();
    for (const { fieldId, value, secondsAgo } of values)
      this.#last.set(fieldId, { value, at: now - secondsAgo * 1000 });
  }

  /** Entries leave undelivered: the server may never learn of their values, so the next value of their fields is committed. */
  onDiscarded(entries: readonly Pick<Entry, 'values'>[]): void {
    for (const { values } of entries) for (const { fieldId } of values) this.#last.delete(fieldId);
  }

  #isWithin(fieldId: string, value: FieldValue): boolean {
    const last = this.#last.get(fieldId);
    if (last === undefined) return false;
    const { deadband = 0, atLeastEverySeconds = Infinity } = this.#bands.get(fieldId) ?? {};
    if (this.#clock.monotonic() - last.at >= atLeastEverySeconds * 1000) return false;
    const areNumbers = typeof value === 'number' && typeof last.value === 'number';
    return value === last.value || (areNumbers && Math.abs((value as number) - (last.value as number)) <= deadband);
  }
}
