import { withReason } from '../model/entry.js';
import { foreignText, type Redactor } from '../model/foreign-text.js';
import type { Value } from '../model/value.js';
import type { Emitter } from '../notify/emitter.js';
import { weakly } from '../notify/host-subscription.js';
import { ADOPTION_FAILED, STORAGE_FAILED, type Warnings } from '../notify/warnings.js';
import { type Adoption, type LastValue, RECOVERY_INTERVAL_SECONDS, type Writer } from '../ports/storage.js';
import { BACKGROUND, type Clock } from '../time/clock.js';
import type { Lanes } from './lanes.js';
import type { Outbox } from './outbox.js';

/** `ready` resolves by this time, even if the storage hangs. */
const READY_WITHIN_MS = 10_000;

/** The parts of a client that a recovery uses. */
export interface RecoveryParts {
  readonly writer: Writer;
  readonly clock: Clock;
  readonly outbox: Outbox;
  /** Stages adopted values, if nothing is staged. Returns the number of staged values. */
  readonly staging: { adopt(values: readonly Value[]): number };
  readonly lanes: Pick<Lanes, 'adopt'>;
  /** Absent if no field has a dead band. */
  readonly deadBands: { adopt(values: readonly LastValue[]): void } | undefined;
  readonly emitter: Emitter;
  readonly warnings: Warnings;
  readonly redactor: Redactor;
}

/** Adopts entries left behind by earlier runs: at the start, and again at the interval that the storage asks for. */
export class OrphanRecovery {
  /** Resolves (never rejects, within 10 s) once the first adoption is over. */
  readonly ready: Promise<void>;
  readonly #parts: RecoveryParts;
  #cancel = (): void => {};
  #isClosed = false;

  /** @param startsAfter - The first adoption waits for it. */
  constructor(parts: RecoveryParts, startsAfter?: Promise<void>) {
    this.#parts = parts;
    this.ready = new Promise((resolve) => {
      const cancel = parts.clock.setTimer(resolve, READY_WITHIN_MS, BACKGROUND);
      const recover = async (): Promise<void> => {
        if (!this.#isClosed) await this.#recover({ isFirst: true });
        cancel();
        resolve();
      };
      void (startsAfter ? startsAfter.then(recover) : recover());
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
  }

  recoverAgain(): Promise<void> {
    return this.#recover({ isFirst: false });
  }

  async #recover({ isFirst }: { readonly isFirst: boolean }): Promise<void> {
    const { writer, emitter, warnings } = this.#parts;
    // The interval if the storage fails.
    let again: number | undefined = RECOVERY_INTERVAL_SECONDS;
    try {
      const adoption = await writer.adopt({ isFirst });
      if (this.#isClosed) return;
      again = adoption.lookAgainSeconds;
      emitter.operation(() => this.#adopt(adoption));
    } catch {
      warnings.add(ADOPTION_FAILED);
    }
    if (again === undefined || this.#isClosed) return;
    this.#cancel = this.#recoverIn(again);
  }

  /** Holds this recovery weakly, and with it the client: the function may not capture it. */
  #recoverIn(seconds: number): () => void {
    const target = weakly(this);
    return this.#parts.clock.setTimer(() => void target.deref()?.recoverAgain(), seconds * 1000, BACKGROUND);
  }

  #adopt({ entries, staged: values, warnings: found, live = [], lastValues = [] }: Adoption): void {
    const { outbox, lanes, deadBands, staging, emitter, warnings, redactor } = this.#parts;
    const { size } = outbox.quarantine;
    // The server's message to another run may hold the API key of this run.
    const redact = (reason: string, status: number): string =>
      foreignText(reason, (text) => redactor.redact(text), `Bad request: ${status}`);
    outbox.adopt(entries.map((entry) => withReason(entry, redact)));
    lanes.adopt(live);
    deadBands?.adopt(lastValues);
    const quarantined = outbox.quarantine.size - size;
    const staged = staging.adopt(values);
    for (const warning of found) warnings.add(warning);
    if (entries.length + staged > 0) emitter.emit('adopt', { entries: entries.length, quarantined, staged });
    const failed = outbox.retrySync();
    if (failed !== undefined) warnings.add(STORAGE_FAILED[failed]);
  }
}
