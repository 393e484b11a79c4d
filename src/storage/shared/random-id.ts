import type { Clock } from '../../core/time/clock.js';

/** Fills an array with random numbers, like `crypto.getRandomValues`; throws if the platform has none. */
export type FillRandom = (words: Uint32Array<ArrayBuffer>) => unknown;

declare const crypto: { getRandomValues: FillRandom };

/** The clocks of ids that were drawn without random numbers of the platform. */
const weakClocks = /* @__PURE__ */ new WeakSet<Clock>();
let draws = 0;

/**
 * A random id of 16 digits and lower-case letters, about 80 bits: no two writers draw the same id.
 *
 * @param fill - The source of random numbers, if the clock makes no ids.
 */
export function randomId(clock: Clock, fill: FillRandom = (words) => crypto.getRandomValues(words)): string {
  return clock.randomId?.() ?? idFrom(() => draw(clock, fill));
}

/** Makes an id of two random numbers from 0 (included) to 1 (excluded). */
export function idFrom(random: () => number): string {
  const half = (): string =>
    Math.floor(random() * 36 ** 8)
      .toString(36)
      .padStart(8, '0');
  return half() + half();
}

/** Whether another run may draw the ids that were drawn with this clock. */
export const hasWeakIds = (clock: Clock): boolean => weakClocks.has(clock);

/** Whether the platform has random numbers, but not now: worker runtimes refuse them while a module is loaded. */
export function isRandomRefused(): boolean {
  try {
    crypto.getRandomValues(new Uint32Array(1));
    return false;
  } catch {
    return typeof crypto === 'object';
  }
}

/** Some tools seed `Math.random`, or replace `crypto` by a constant: all sources are mixed. */
function draw(clock: Clock, fill: FillRandom): number {
  const words = new Uint32Array(2);
  try {
    fill(words);
  } catch {
    // The words stay zero.
  }
  const [high = 0, low = 0] = words;
  if (high === 0 && low === 0) weakClocks.add(clock);
  draws += 1;
  const mixed = hash(`${clock.random()} ${clock.now()} ${clock.monotonic()} ${draws}`);
  return ((high * 2 ** 21 + (low >>> 11)) / 2 ** 53 + mixed / 2 ** 32) % 1;
}

/** FNV-1a of 32 bits. */
function hash(text: string): number {
  let sum = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) sum = Math.imul(sum ^ text.charCodeAt(index), 0x01000193);
  return sum >>> 0;
}
