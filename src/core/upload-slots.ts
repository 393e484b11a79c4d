/** One slot at a time. */
export interface UploadSlot {
  /**
   * Takes a slot, unless one is held already.
   *
   * @returns What resolves when it is held, or was given up meanwhile; `undefined` if it is held at once.
   */
  take(): Promise<void> | undefined;
  /** Gives the slot to who has waited longest, or leaves the line. Harmless for who neither holds one nor waits. */
  release(): void;
}

/** How many uploads of one page or process may be under way at once, all `Api`s of it together. */
export class UploadSlots {
  #free: number;
  /** Those who wait, in the order in which they came. */
  readonly #line = new Set<() => void>();

  constructor(count: number) {
    this.#free = count;
  }

  /** @returns A slot that is not taken yet. */
  open(): UploadSlot {
    let waiting: Promise<void> | undefined;
    let leave: (() => void) | undefined;
    const hold = (): void => {
      waiting = undefined;
      leave = () => this.#passOn();
    };
    const wait = (): Promise<void> =>
      new Promise((resolve) => {
        const enter = (): void => {
          hold();
          resolve();
        };
        this.#line.add(enter);
        leave = () => {
          waiting = undefined;
          this.#line.delete(enter);
          resolve();
        };
      });
    return {
      take: () => {
        if (leave !== undefined) return waiting;
        if (this.#free === 0) {
          waiting = wait();
          return waiting;
        }
        this.#free -= 1;
        hold();
        return undefined;
      },
      release: () => {
        leave?.();
        leave = undefined;
      },
    };
  }

  #passOn(): void {
    const [enter] = this.#line;
    if (enter === undefined) {
      this.#free += 1;
      return;
    }
    this.#line.delete(enter);
    enter();
  }
}
