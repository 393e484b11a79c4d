import type { UploadSlot, Uploads } from '../ports/environment.js';

/**
 * How many uploads of one page or process may be under way at once, all `Api`s of it together. Who comes when all are taken
 * waits in the line of its server, and the servers take turns: one that hangs holds up its own.
 */
export class UploadSemaphore implements Uploads {
  #free: number;
  /** By server; in each line those who came first, first. */
  readonly #queues = new Map<string, Set<() => void>>();

  constructor(count: number) {
    this.#free = count;
  }

  /** @param server - Where the uploads go. @returns A slot that is not taken yet. */
  open(server: string): UploadSlot {
    let waiting: Promise<void> | undefined;
    let leave: (() => void) | undefined;
    const hold = (): void => {
      waiting = undefined;
      leave = () => this.#releaseNext();
    };
    const wait = (): Promise<void> =>
      new Promise((resolve) => {
        const enter = (): void => {
          hold();
          resolve();
        };
        this.#queues.set(server, (this.#queues.get(server) ?? new Set()).add(enter));
        leave = () => {
          waiting = undefined;
          this.#queues.get(server)?.delete(enter);
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

  #releaseNext(): void {
    for (const [server, line] of [...this.#queues]) {
      // To the end, so that the others come before it the next time.
      this.#queues.delete(server);
      const [enter] = line;
      if (enter === undefined) continue;
      line.delete(enter);
      this.#queues.set(server, line);
      enter();
      return;
    }
    this.#free += 1;
  }
}
