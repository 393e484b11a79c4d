import type { FieldValue } from '../../src/core/model/value.js';
import type { Schedule } from './schedule.js';

/** The expected effect of the dead bands of one run: this shares no code with `dead-bands.ts`. */
export class DeadBandModel {
  readonly #band: Schedule['deadband'];
  /** By field: the last committed value, and when it was committed. */
  readonly #last = new Map<string, readonly [FieldValue, number]>();
  /** The number of values that were left out. */
  suppressed = 0;

  constructor(band: Schedule['deadband']) {
    this.#band = band;
  }

  /** The values that a commit must save. */
  selected(staged: ReadonlyMap<string, FieldValue>, now: number): Map<string, FieldValue> {
    return new Map([...staged].filter(([fieldId, value]) => !this.#isWithin(fieldId, value, now)));
  }

  committed(staged: ReadonlyMap<string, FieldValue>, now: number): void {
    const selected = this.selected(staged, now);
    this.suppressed += staged.size - selected.size;
    for (const [fieldId, value] of selected) this.#last.set(fieldId, [value, now]);
  }

  /** Entries of these fields left undelivered. */
  left(fieldIds: Iterable<string>): void {
    for (const fieldId of fieldIds) this.#last.delete(fieldId);
  }

  #isWithin(fieldId: string, value: FieldValue, now: number): boolean {
    const [last, at] = this.#last.get(fieldId) ?? [];
    if (this.#band === undefined || at === undefined) return false;
    const { by, atLeastEverySeconds } = this.#band;
    if (atLeastEverySeconds !== undefined && now - at >= 1000 * atLeastEverySeconds) return false;
    if (typeof value !== 'number' || typeof last !== 'number') return value === last;
    return value <= last + by && value >= last - by;
  }
}
