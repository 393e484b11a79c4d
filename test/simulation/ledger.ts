import type { FieldValue } from '../../src/core/model/value.js';
import type { Entry } from '../../src/index.js';
import type { Found } from './records.js';

export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8';

/** An invariant was broken. */
export class Violation extends Error {
  readonly invariant: Invariant;

  constructor(invariant: Invariant, message: string) {
    super(`${invariant}: ${message}`);
    this.invariant = invariant;
  }
}

/** A commit that was tried: what may be seen of it, and what must be. */
export interface Commit {
  /** Known once it was seen. */
  id?: string;
  readonly text: string;
  readonly timestamp: number;
  readonly binding: string;
  /** `open`: its process ended before the call returned, so that it may be there or not. */
  state: 'open' | 'acknowledged' | 'failed';
  readonly isRestored: boolean;
  /** Whether a failed one may be there all the same: what would have taken it back failed too. */
  mayRemain: boolean;
  /** By whom, and how far the wall clock was ahead then, where its time is that of the moment. */
  clock?: { readonly by: object; readonly ahead: number } | undefined;
  /** Whether it was sent alone in vain: later ones may come before it. */
  mayComeLate?: boolean;
  /** Whether the server does not take it as it is. */
  isBad?: boolean;
  stored: number;
  /** Why nobody must have it any more. */
  excuse?: 'forgotten' | 'carried' | 'damaged' | 'deleted' | 'power cut' | undefined;
}

/** What was promised, and what may therefore be true. */
export class Ledger {
  readonly #byId = new Map<string, Commit>();
  readonly #byText = new Map<string, Commit[]>();
  /** Those that must be in a storage. */
  readonly required = new Set<Commit>();
  readonly #lastSequence = new Map<string, number>();
  readonly #lastDelivered = new Map<string, number>();
  readonly #values = new Map<FieldValue, { readonly binding: string; isCommitted: boolean }>();
  #firstViolation: Violation | undefined;
  #count = 0;

  /** Notes a broken invariant. Not thrown here: the code under test would catch it. */
  accuse(invariant: Invariant, message: string): void {
    this.#firstViolation ??= new Violation(invariant, message);
  }

  get isBroken(): boolean {
    return this.#firstViolation !== undefined;
  }

  /** @throws {@link Violation} if an invariant was broken. */
  judge(): void {
    if (this.#firstViolation !== undefined) throw this.#firstViolation;
  }

  /** A value that is found nowhere else. */
  newValue(binding: string, isBig: boolean): FieldValue {
    const number = ++this.#count;
    const value = isBig ? `v${number}`.padEnd(9000, 'x') : number % 3 === 0 ? number : `v${number}\n€`;
    this.#values.set(value, { binding, isCommitted: false });
    return value;
  }

  /** To be called before a commit, which may end in the middle. */
  intend(
    values: Iterable<readonly [string, FieldValue]>,
    timestamp: number,
    binding: string,
    isRestored = false,
  ): Commit {
    const text = textOf(values);
    const commit: Commit = { text, timestamp, binding, state: 'open', isRestored, mayRemain: isRestored, stored: 0 };
    const others = this.#byText.get(text);
    if (others) others.push(commit);
    else this.#byText.set(text, [commit]);
    return commit;
  }

  acknowledge(commit: Commit, entry: Entry, writer: string): void {
    const [, of, sequence] = /^(.*)-(\d+)$/.exec(entry.id) ?? [];
    if (of !== writer) this.accuse('I4', `${entry.id} is not an id of writer ${writer}`);
    if (this.#byId.has(entry.id)) this.accuse('I4', `the id ${entry.id} was used twice`);
    if (Number(sequence) <= (this.#lastSequence.get(writer) ?? 0)) this.accuse('I4', `${entry.id} does not count up`);
    this.#lastSequence.set(writer, Number(sequence));
    const text = textOf(entry.values.map(({ fieldId, value }) => [fieldId, value]));
    if (text !== commit.text || entry.timestamp !== commit.timestamp)
      this.accuse('I2', `${entry.id} is ${entry.timestamp} ${text}, not ${commit.timestamp} ${commit.text}`);
    commit.state = 'acknowledged';
    this.#bind(commit, entry.id);
    this.required.add(commit);
    for (const { value } of entry.values) {
      const known = this.#values.get(value);
      if (known) known.isCommitted = true;
    }
  }

  /** Nobody must have it any more. */
  excuse(commit: Commit, excuse: NonNullable<Commit['excuse']>): void {
    commit.excuse = excuse;
    this.required.delete(commit);
  }

  /** The commit that an entry is, which somebody has. */
  find({ id, timestamp, text, binding }: Found, where: string): Commit | undefined {
    const known = this.#byId.get(id);
    if (known !== undefined) {
      if (known.text !== text || known.timestamp !== timestamp || known.binding !== binding)
        this.accuse('I2', `${id} was altered in ${where}: ${timestamp} ${text}, not ${known.timestamp} ${known.text}`);
      return known;
    }
    const same = this.#byText.get(text)?.filter((other) => other.timestamp === timestamp && other.binding === binding);
    const alike = same?.filter((other) => !other.id);
    const commit = alike?.find(({ state, mayRemain }) => state === 'open' || mayRemain) ?? alike?.[0];
    // Several that are put back are so together, or not: those that were taken back, as the last found no room, may remain
    // where the storage could not remove them, beside those of the next try.
    const twin = commit === undefined ? same?.find(({ isRestored }) => isRestored) : undefined;
    if (twin !== undefined) {
      this.#byId.set(id, twin);
      return twin;
    }
    if (commit === undefined) this.accuse('I2', `${id} in ${where} was never committed: ${timestamp} ${text}`);
    else if (commit.state === 'failed' && !commit.mayRemain)
      this.accuse('I3', `${id} is in ${where}, though its commit failed: ${text}`);
    else this.#bind(commit, id);
    return commit;
  }

  /** A power cut may undo what took failed commits back: they are there, whole, or not. */
  powerWasCut(): void {
    for (const commits of this.#byText.values()) for (const commit of commits) commit.mayRemain = true;
  }

  byId(id: string): Commit | undefined {
    return this.#byId.get(id);
  }

  /** The server stored it. */
  delivered(commit: Commit): void {
    const [, writer = '', sequence] = /^(.*)-(\d+)$/.exec(commit.id ?? '') ?? [];
    const last = this.#lastDelivered.get(writer) ?? 0;
    const isFirst = commit.stored === 0;
    if (isFirst && !commit.excuse && !commit.mayComeLate && commit.state === 'acknowledged' && Number(sequence) < last)
      this.accuse('I4', `${commit.id} was first delivered after ${writer}-${last}`);
    if (isFirst && commit.state === 'acknowledged') this.#lastDelivered.set(writer, Math.max(last, Number(sequence)));
    commit.stored += 1;
    this.required.delete(commit);
  }

  /** Staged values of a dead run came back. @param mayBeCommitted - Whether they may have been committed before. */
  cameBack(value: FieldValue, binding: string, mayBeCommitted: boolean): void {
    const known = this.#values.get(value);
    if (known === undefined) this.accuse('I2', `a staged value came back that was never staged: ${String(value)}`);
    else if (known.binding !== binding)
      this.accuse('I2', `a value staged for ${known.binding} came back for ${binding}`);
    else if (known.isCommitted && !mayBeCommitted)
      this.accuse('I2', `a value came back staged after its commit: ${String(value)}`);
  }

  #bind(commit: Commit, id: string): void {
    commit.id = id;
    this.#byId.set(id, commit);
  }
}

/** The wire text of values, by this test's own writing of the format. */
export function textOf(values: Iterable<readonly [string, FieldValue]>): string {
  return `[${Array.from(values, ([fieldId, value]) => `{${JSON.stringify(fieldId)}:${JSON.stringify(value)}}`).join()}]`;
}
