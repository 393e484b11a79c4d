import type { UploadSlot, Uploads } from '../ports/environment.js';

/** The uploads to one server. */
interface ServerUploads {
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
 * Invariant: a server whose uploads wait has at least one under way.
 */
export class UploadSemaphore implements Uploads {
  readonly #limit: number;
  #underWay = 0;
  /** By server; a server without uploads under way is absent. */
  readonly #servers = new Map<string, ServerUploads>();

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
    const wait = (uploads: ServerUploads): Promise<void> =>
      new Promise((resolve) => {
        const enter = (): void => {
          hold();
          resolve();
        };
        uploads.waiting.add(enter);
        leave = () => {
          waiting = undefined;
          uploads.waiting.delete(enter);
          resolve();
        };
      });
    return {
      take: () => {
        if (leave !== undefined) return waiting;
        const uploads = this.#servers.get(server);
        if (uploads !== undefined && this.#underWay >= this.#limit) {
          waiting = wait(uploads);
          return waiting;
        }
        this.#enter(server, uploads);
        hold();
        return undefined;
      },
      release: () => {
        leave?.();
        leave = undefined;
      },
    };
  }

  #enter(server: string, uploads: ServerUploads = { underWay: 0, waiting: new Set() }): void {
    this.#underWay += 1;
    uploads.underWay += 1;
    // To the end: among servers with equally many uploads, the least recently served is next.
    this.#servers.delete(server);
    this.#servers.set(server, uploads);
  }

  #release(server: string): void {
    const uploads = this.#servers.get(server) as ServerUploads;
    this.#underWay -= 1;
    uploads.underWay -= 1;
    if (uploads.underWay === 0 && uploads.waiting.size > 0) this.#admit(server, uploads);
    else {
      if (uploads.underWay === 0) this.#servers.delete(server);
      if (this.#underWay < this.#limit) this.#admitToQuietest();
    }
  }

  #admitToQuietest(): void {
    let quietest: [string, ServerUploads] | undefined;
    for (const [server, uploads] of this.#servers) {
      if (uploads.waiting.size === 0 || uploads.underWay >= (quietest?.[1].underWay ?? Number.POSITIVE_INFINITY))
        continue;
      quietest = [server, uploads];
    }
    if (quietest !== undefined) this.#admit(...quietest);
  }

  #admit(server: string, uploads: ServerUploads): void {
    const [enter] = uploads.waiting;
    uploads.waiting.delete(enter as () => void);
    this.#enter(server, uploads);
    enter?.();
  }
}
