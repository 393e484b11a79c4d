import type { Clock } from '../core/clock.js';
import { Silence } from './silence.js';
import { Heartbeat, isLeft, type PageLike } from './web-heartbeat.js';
import { lockName, type Remains } from './web-keys.js';
import { type LocksLike, namesOfLiving, tryLock } from './web-locks.js';
import type { WebRoom } from './web-room.js';

/** A lock reaches the next tab before the last changes of the one that had it do: with 20 ms, none of 150 was late. */
const SETTLE_MS = 100;
/** Where two pages without locks take one writer over at once, both see by then whose sign stands there. */
const CONFIRM_MS = 1000;

/** What a page has beside its `localStorage`. */
export interface WebPlatform {
  /** Absent on plain http. */
  readonly locks?: LocksLike | undefined;
  /** The `window`, which tells when the page is hidden and shown again. */
  readonly page?: PageLike | undefined;
}

/** A writer that was taken over. */
export interface Hold {
  /** Shown to pages without locks, where the writer was one of theirs. */
  readonly heartbeat: Heartbeat | undefined;
  /** Never throws. @param isLeaving - Whether something is left of it, for others to take. */
  end(isLeaving: boolean): void;
}

/** Tells which writers of the origin are dead, and takes them so that no other does. */
export class WebLiveness {
  readonly #room: WebRoom;
  readonly #platform: WebPlatform;
  readonly #clock: Clock;
  readonly #onWaited: () => void;
  readonly #silence = new Silence();

  /** @param onWaited - Gives a sign of life after each wait. */
  constructor(room: WebRoom, platform: WebPlatform, clock: Clock, onWaited: () => void) {
    this.#onWaited = onWaited;
    this.#room = room;
    this.#platform = platform;
    this.#clock = clock;
  }

  /** Those of the writers that give no sign of life. */
  async findDead(writers: ReadonlyMap<string, Remains>): Promise<Set<string>> {
    const { locks } = this.#platform;
    const living = locks && (await namesOfLiving(locks));
    this.#silence.begin();
    const dead = new Set<string>();
    for (const [writer, { life }] of writers) {
      const isSilent = life !== undefined && this.#silence.isOfDead(writer, life, this.#clock.monotonic());
      if (living?.has(lockName(writer))) continue;
      // One that shows nothing has, or had, a lock: whoever has none can't tell.
      const isDead = life === undefined ? living !== undefined : isLeft(life) || isSilent;
      if (isDead) dead.add(writer);
    }
    return dead;
  }

  /**
   * Takes dead writers.
   *
   * @param own - The adopter.
   * @returns Those that could be taken.
   */
  async take(writers: ReadonlyMap<string, Remains>, own: string): Promise<Map<string, Hold>> {
    const taken = new Map<string, Hold>();
    for (const [writer, { life }] of writers) {
      const hold = await this.#hold(writer, life !== undefined, own);
      if (hold !== undefined) taken.set(writer, hold);
    }
    const isShown = [...taken.values()].some(({ heartbeat }) => heartbeat !== undefined);
    if (taken.size > 0) await this.wait(isShown ? CONFIRM_MS : SETTLE_MS);
    for (const [writer, { heartbeat, end }] of taken) {
      if (heartbeat === undefined || isOwn(heartbeat)) continue;
      // It lives after all, or another was as fast.
      end(false);
      taken.delete(writer);
    }
    return taken;
  }

  /** Waits; in a hidden page, whose timers fire once a minute, that can take as long as others wait for a sign of life. */
  async wait(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => this.#clock.setTimer(resolve, milliseconds, true));
    this.#onWaited();
  }

  async #hold(writer: string, isShown: boolean, own: string): Promise<Hold | undefined> {
    const { locks, page } = this.#platform;
    const release = locks ? await tryLock(locks, lockName(writer)) : () => {};
    if (release === undefined) return undefined;
    const heartbeat = isShown ? new Heartbeat(this.#room, writer, own, page) : undefined;
    const end = (isLeaving: boolean): void => {
      heartbeat?.stop(isLeaving);
      release();
    };
    try {
      heartbeat?.begin();
      return { heartbeat, end };
    } catch {
      end(false);
      return undefined;
    }
  }
}

function isOwn(heartbeat: Heartbeat): boolean {
  try {
    return heartbeat.look() === 'own';
  } catch {
    return false;
  }
}
