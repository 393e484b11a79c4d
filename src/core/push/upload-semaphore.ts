import type { UploadSlot, Uploads } from '../ports/environment.js';

/** The uploads to one server. */
interface Lane {
  underWay: number;
  /** First come, first served. */
  readonly waiting: Set<() => void>;
}

/**
 * Limits how many uploads of one page or process are under way at once, all `Api`s of it together.
 *
 * An upload to a server without an upload under way never waits, even above the limit: a server that hangs holds up only its
 * own uploads. So at most `limit` + (number of other servers) are under way. A free slot goes to the server with the fewest
 * uploads under way, so that a server that hangs holds no more than its share.
 *
 * Invariant: a lane in which uploads wait has at least one under way.
 */
export class UploadSemaphore implements Uploads {
  readonly #limit: number;
  #underWay = 0;
  /** By server; a server without uploads under way is absent. */
  readonly #lanes = new Map<string, Lane>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @param server - The base URL that the uploads go to. @returns A slot that is not held yet. */
  open(server: string): UploadSlot {
    let waiting: Promise<void> | undefined;
    let leave: (() => void) | undefined;
    const hold = (): void => {
      waiting = undefined;
      leave = () => this.#release(server);
    };
    const wait = (lane: Lane): Promise<void> =>
      new Promise((resolve) => {
        const enter = (): void => {
          hold();
          resolve();
        };
        lane.waiting.add(enter);
        leave = () => {
          waiting = undefined;
          lane.waiting.delete(enter);
          resolve();
        };
      });
    return {
      take: () => {
        if (leave !== undefined) return waiting;
        const lane = this.#lanes.get(server);
        if (lane !== undefined && this.#underWay >= this.#limit) {
          waiting = wait(lane);
          return waiting;
        }
        this.#enter(server, lane);
        hold();
        return undefined;
      },
      release: () => {
        leave?.();
        leave = undefined;
      },
    };
  }

  #enter(server: string, lane: Lane = { underWay: 0, waiting: new Set() }): void {
    this.#underWay += 1;
    lane.underWay += 1;
    // To the end: among servers with equally many uploads, the least recently served is next.
    this.#lanes.delete(server);
    this.#lanes.set(server, lane);
  }

  #release(server: string): void {
    const lane = this.#lanes.get(server) as Lane;
    this.#underWay -= 1;
    lane.underWay -= 1;
    if (lane.underWay === 0 && lane.waiting.size > 0) this.#admit(server, lane);
    else {
      if (lane.underWay === 0) this.#lanes.delete(server);
      if (this.#underWay < this.#limit) this.#admitToQuietest();
    }
  }

  #admitToQuietest(): void {
    let quietest: [string, Lane] | undefined;
    for (const [server, lane] of this.#lanes) {
      if (lane.waiting.size === 0 || lane.underWay >= (quietest?.[1].underWay ?? Number.POSITIVE_INFINITY)) continue;
      quietest = [server, lane];
    }
    if (quietest !== undefined) this.#admit(...quietest);
  }

  #admit(server: string, lane: Lane): void {
    const [enter] = lane.waiting;
    lane.waiting.delete(enter as () => void);
    this.#enter(server, lane);
    enter?.();
  }
}
