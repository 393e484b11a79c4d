import type { Warning } from '../model/events.js';
import { ADOPTION_FAILED } from '../notify/warnings.js';
import { type Adoption, RECOVERY_INTERVAL_SECONDS, type Writer } from '../ports/storage.js';
import type { Clock } from '../time/clock.js';

/** `ready` resolves by then whatever a storage does. */
const READY_WITHIN_MS = 10_000;

/** Takes over what earlier runs left, once at the start and then again whenever the storage says that it is worth it. */
export class OrphanRecovery {
  /** Resolves, in bounded time and never rejecting, after the first look. */
  readonly ready: Promise<void>;
  readonly #writer: Writer;
  readonly #clock: Clock;
  readonly #onAdoption: (adoption: Adoption) => void;
  readonly #warn: (warning: Warning) => void;
  #cancel = (): void => {};
  #isClosed = false;

  /** @param onAdoption - Given what each look took over, which may be nothing. @param warn - Told where one failed. */
  constructor(
    writer: Writer,
    clock: Clock,
    onAdoption: (adoption: Adoption) => void,
    warn: (warning: Warning) => void,
  ) {
    this.#writer = writer;
    this.#clock = clock;
    this.#onAdoption = onAdoption;
    this.#warn = warn;
    this.ready = new Promise((resolve) => {
      const cancel = clock.setTimer(resolve, READY_WITHIN_MS, true);
      void this.#recover(true).then(() => {
        cancel();
        resolve();
      });
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
  }

  async #recover(atStart: boolean): Promise<void> {
    // Also in a storage that fails when it is looked into.
    let again: number | undefined = RECOVERY_INTERVAL_SECONDS;
    try {
      const adoption = await this.#writer.adopt(atStart);
      if (this.#isClosed) return;
      again = adoption.lookAgainSeconds;
      this.#onAdoption(adoption);
    } catch {
      this.#warn(ADOPTION_FAILED);
    }
    if (again === undefined || this.#isClosed) return;
    this.#cancel = this.#clock.setTimer(() => void this.#recover(false), again * 1000, true);
  }
}
