import type { FieldValue } from '../../src/core/model/value.js';
import type { Entry } from '../../src/index.js';
import type { FoundEntry } from './storage-contents.js';

export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8';

/** An invariant was violated. */
export class Violation extends Error {
  readonly invariant: Invariant;

  constructor(invariant: Invariant, message: string) {
    super(`${invariant}: ${message}`);
    this.invariant = invariant;
  }
}

/** An attempted commit, and where its entry may or must be found. */
export interface Commit {
  /** Known once the entry was seen. */
  id?: string;
  readonly text: string;
  readonly timestamp: number;
  readonly destination: string;
  /** `open`: its process ended before the call returned, so that the entry may exist or not. */
  state: 'open' | 'acknowledged' | 'failed';
  readonly isRestored: boolean;
  /** Whether the entry of a failed commit may exist anyway, as the rollback failed too. */
  mayRemain: boolean;
  /** The run and its clock offset at the commit, if the time is that of the commit. */
  clock?: { readonly by: object; readonly ahead: number } | undefined;
  /** The run whose entry it is, and the time of the commit on the monotonic clock; absent once it is restored or adopted. */
  own?:
    | { readonly by: object; readonly at: number; readonly isUrgent: boolean; readonly isTimeGiven: boolean }
    | undefined;
  /** Whether it failed in a request of its own, so that later entries may be delivered first. */
  mayComeLate?: boolean;
  /** Whether the backlog was sent while this entry was in another lane: it may be sent later, as backlog itself. */
  wasPassed?: boolean;
  /** Whether the server refuses it. */
  isBad?: boolean;
  stored: number;
  /** The reason why it need not be found any more. */
  exemption?: 'removed' | 'carried' | 'damaged' | 'deleted' | 'power cut' | undefined;
}

/** The expected state: the promises made to the application, and the entries that may therefore exist. */
export class Model {
  readonly #byId = new Map<string, Commit>();
  readonly #byText = new Map<string, Commit[]>();
  /** The commits that must be in a storage. */
  readonly required = new Set<Commit>();
  readonly #lastSequence = new Map<string, number>();
  readonly #lastDelivered = new Map<string, number>();
  readonly #values = new Map<FieldValue, { readonly destination: string; isCommitted: boolean }>();
  #violation: Violation | undefined;
  #count = 0;

  /** Records a violation. Not thrown here, as the code under test could catch it. */
  reportViolation(invariant: Invariant, message: string): void {
    this.#violation ??= new Violation(invariant, message);
  }

  get hasViolation(): boolean {
    return this.#violation !== undefined;
  }

  /** @throws {@link Violation} if one was reported. */
  throwViolation(): void {
    if (this.#violation !== undefined) throw this.#violation;
  }

  /** A unique value. */
  newValue(destination: string, isBig: boolean, isNumeric = false): FieldValue {
    const number = ++this.#count;
    const value = isBig ? `v${number}`.padEnd(9000, 'x') : isNumeric || number % 3 === 0 ? number : `v${number}\n€`;
    this.#values.set(value, { destination, isCommitted: false });
    return value;
  }

  /** Called before a commit, which its process may not survive. */
  begin(
    values: Iterable<readonly [string, FieldValue]>,
    timestamp: number,
    destination: string,
    isRestored = false,
  ): Commit {
    const text = textOf(values);
    const commit: Commit = {
      text,
      timestamp,
      destination,
      state: 'open',
      isRestored,
      mayRemain: isRestored,
      stored: 0,
    };
    const others = this.#byText.get(text);
    if (others) others.push(commit);
    else this.#byText.set(text, [commit]);
    return commit;
  }

  acknowledge(commit: Commit, entry: Entry, writer: string): void {
    const [, of, sequence] = /^(.*)-(\d+)$/.exec(entry.id) ?? [];
    if (of !== writer) this.reportViolation('I4', `${entry.id} is not an id of writer ${writer}`);
    if (this.#byId.has(entry.id)) this.reportViolation('I4', `the id ${entry.id} was used twice`);
    if (Number(sequence) <= (this.#lastSequence.get(writer) ?? 0))
      this.reportViolation('I4', `${entry.id} does not count up`);
    this.#lastSequence.set(writer, Number(sequence));
    const text = textOf(entry.values.map(({ fieldId, value }) => [fieldId, value]));
    if (text !== commit.text || entry.timestamp !== commit.timestamp)
      this.reportViolation('I2', `${entry.id} is ${entry.timestamp} ${text}, not ${commit.timestamp} ${commit.text}`);
    commit.state = 'acknowledged';
    this.#bind(commit, entry.id);
    this.required.add(commit);
    for (const { value } of entry.values) {
      const known = this.#values.get(value);
      if (known) known.isCommitted = true;
    }
  }

  /** From now on the commit need not be found anywhere. */
  exempt(commit: Commit, exemption: NonNullable<Commit['exemption']>): void {
    commit.exemption = exemption;
    this.required.delete(commit);
  }

  /** The commit of an entry found in a storage, a queue, an event or a request. */
  find({ id, timestamp, text, destination }: FoundEntry, where: string): Commit | undefined {
    const known = this.#byId.get(id);
    if (known !== undefined) {
      if (known.text !== text || known.timestamp !== timestamp || known.destination !== destination)
        this.reportViolation(
          'I2',
          `${id} was altered in ${where}: ${timestamp} ${text}, not ${known.timestamp} ${known.text}`,
        );
      return known;
    }
    const same = this.#byText
      .get(text)
      ?.filter((other) => other.timestamp === timestamp && other.destination === destination);
    const alike = same?.filter((other) => !other.id);
    const commit = alike?.find(({ state, mayRemain }) => state === 'open' || mayRemain) ?? alike?.[0];
    // Entries are restored together or not at all: those that were rolled back, as the last one found no space, may remain
    // where the storage could not remove them, beside those of the next attempt.
    const twin = commit === undefined ? same?.find(({ isRestored }) => isRestored) : undefined;
    if (twin !== undefined) {
      this.#byId.set(id, twin);
      return twin;
    }
    if (commit === undefined) this.reportViolation('I2', `${id} in ${where} was never committed: ${timestamp} ${text}`);
    else if (commit.state === 'failed' && !commit.mayRemain)
      this.reportViolation('I3', `${id} is in ${where}, though its commit failed: ${text}`);
    else this.#bind(commit, id);
    return commit;
  }

  /** A power cut may undo the rollback of failed commits: their entries exist, whole, or not. */
  afterPowerCut(): void {
    for (const commits of this.#byText.values()) for (const commit of commits) commit.mayRemain = true;
  }

  byId(id: string): Commit | undefined {
    return this.#byId.get(id);
  }

  /** The server stored it. @param lane - The lane that it was in when it was sent. */
  delivered(commit: Commit, lane: string): void {
    const [, writer = '', sequence] = /^(.*)-(\d+)$/.exec(commit.id ?? '') ?? [];
    const queue = `${writer} ${lane}`;
    const last = this.#lastDelivered.get(queue) ?? 0;
    const isFirst = commit.stored === 0;
    if (
      isFirst &&
      !commit.exemption &&
      !commit.mayComeLate &&
      !(commit.wasPassed && lane === 'backlog') &&
      commit.state === 'acknowledged' &&
      Number(sequence) < last
    )
      this.reportViolation('I4', `${commit.id} was first delivered after ${writer}-${last}, both of the lane ${lane}`);
    if (isFirst && commit.state === 'acknowledged') this.#lastDelivered.set(queue, Math.max(last, Number(sequence)));
    commit.stored += 1;
    this.required.delete(commit);
  }

  /** A staged value of a dead run was restored. @param mayBeCommitted - Whether it may have been committed before. */
  stagedRestored(value: FieldValue, destination: string, mayBeCommitted: boolean): void {
    const known = this.#values.get(value);
    if (known === undefined)
      this.reportViolation('I2', `a staged value came back that was never staged: ${String(value)}`);
    else if (known.destination !== destination)
      this.reportViolation('I2', `a value staged for ${known.destination} came back for ${destination}`);
    else if (known.isCommitted && !mayBeCommitted)
      this.reportViolation('I2', `a value came back staged after its commit: ${String(value)}`);
  }

  #bind(commit: Commit, id: string): void {
    commit.id = id;
    this.#byId.set(id, commit);
  }
}

/** The wire text of values, by the simulation's own encoder. */
export function textOf(values: Iterable<readonly [string, FieldValue]>): string {
  return `[${Array.from(values, ([fieldId, value]) => `{${JSON.stringify(fieldId)}:${JSON.stringify(value)}}`).join()}]`;
}
