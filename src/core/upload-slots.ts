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

/**
 * How many uploads of one page or process may be under way at once, all `Api`s of it together. Who comes when all are taken
 * waits in the line of its server, and the servers take turns: one that hangs holds up its own.
 */
export class UploadSlots {
  #free: number;
  /** By server; in each line those who came first, first. */
  readonly #lines = new Map<string, Set<() => void>>();

  constructor(count: number) {
    this.#free = count;
  }

  /** @param server - Where the uploads go. @returns A slot that is not taken yet. */
  open(server: string): UploadSlot {
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
        this.#lines.set(server, (this.#lines.get(server) ?? new Set()).add(enter));
        leave = () => {
          waiting = undefined;
          this.#lines.get(server)?.delete(enter);
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
    for (const [server, line] of [...this.#lines]) {
      // To the end, so that the others come before it the next time.
      this.#lines.delete(server);
      const [enter] = line;
      if (enter === undefined) continue;
      line.delete(enter);
      this.#lines.set(server, line);
      enter();
      return;
    }
    this.#free += 1;
  }
}
