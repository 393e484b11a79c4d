import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { QueuedEntry } from '../../../src/core/model/entry.js';
import { Isolation } from '../../../src/core/push/isolation.js';
import { queuedEntry } from '../../support/builders/queued-entry.js';

/** What a server does with an entry: takes it, refuses it, or stumbles over it. */
type Fate = 'good' | 'bad' | 'poison';

/** A queue in front of a server, and the pushes between the two. */
class World {
  readonly isolation = new Isolation();
  queue: QueuedEntry[];
  readonly quarantined: QueuedEntry[] = [];
  readonly stored: QueuedEntry[] = [];
  requests = 0;
  readonly #fates = new Map<QueuedEntry, Fate>();
  readonly #most: number;

  constructor(fates: readonly Fate[], most = 1000) {
    this.queue = fates.map((_, index) => queuedEntry(index + 1));
    fates.forEach((fate, index) => void this.#fates.set(this.queue[index] as QueuedEntry, fate));
    this.#most = most;
  }

  add(fate: Fate): void {
    const added = queuedEntry(this.#fates.size + 1);
    this.#fates.set(added, fate);
    this.queue.push(added);
  }

  fateOf(one: QueuedEntry): Fate {
    return this.#fates.get(one) as Fate;
  }

  /**
   * One push, as the pusher makes it; a server that stumbles over more than one is asked for halves at once.
   *
   * @returns How many requests it took, and how many entries it stored.
   */
  push(isDown: 'refuses' | 'fails' | false = false): { requests: number; stored: number } {
    const { isolation } = this;
    const before = [this.requests, this.stored.length] as const;
    let count = this.#most;
    isolation.begin(this.queue.length, this.#most);
    const waiting = (many: number): QueuedEntry[] => this.queue.slice(0, many);
    while (!isolation.isAnswered(waiting)) {
      const batch = isolation.next(waiting, count);
      expect(batch.length).toBeGreaterThan(0);
      expect(batch.length).toBeLessThanOrEqual(count);
      this.requests += 1;
      expect(this.requests - before[0]).toBeLessThan(100_000);
      const fates = batch.map((one) => this.fateOf(one));
      if (isDown === 'fails' || (!isDown && fates.includes('poison'))) {
        if (batch.length > 1) count = Math.ceil(batch.length / 2);
        else if (!isolation.stumbled(batch)) break;
      } else if (isDown === 'refuses' || fates.includes('bad')) {
        const bad = isolation.refused(batch);
        if (bad !== undefined) {
          this.queue = this.queue.filter((one) => one !== bad);
          this.quarantined.push(bad);
        }
        if (isolation.isOver) break;
      } else {
        this.queue = this.queue.filter((one) => !batch.includes(one));
        this.stored.push(...batch);
        isolation.accepted(batch);
      }
    }
    return { requests: this.requests - before[0], stored: this.stored.length - before[1] };
  }
}

const fates = (weights: Record<Fate, number>, maxLength = 60): fc.Arbitrary<Fate[]> =>
  fc.array(
    fc.oneof(...Object.entries(weights).map(([fate, weight]) => ({ weight, arbitrary: fc.constant(fate as Fate) }))),
    { maxLength },
  );

const allowed = (entries: number): number => 2 * Math.log2(Math.max(1, entries)) + 2;

describe('the search for bad entries', () => {
  test('quarantines nothing that the server takes, and never anything in a push without acceptance', () => {
    fc.assert(
      fc.property(fates({ good: 5, bad: 2, poison: 0 }), fc.array(fc.boolean(), { maxLength: 6 }), (given, downs) => {
        const world = new World(given);
        for (const isDown of downs) {
          const before = world.quarantined.length;
          const { requests, stored } = world.push(isDown && 'refuses');
          if (stored > 0) continue;
          expect(world.quarantined).toHaveLength(before);
          expect(requests).toBeLessThanOrEqual(allowed(given.length));
        }
        for (const one of world.quarantined) expect(world.fateOf(one)).toBe('bad');
      }),
    );
  });

  test('stores all that is good in the end, in order but for what was refused alone, whatever happens between', () => {
    fc.assert(
      fc.property(
        fates({ good: 5, bad: 2, poison: 1 }),
        fc.array(fc.constantFrom('refuses', 'fails', false), { maxLength: 8 }),
        fc.constantFrom(1, 2, 7, 1000),
        (given, downs, most) => {
          const world = new World(given, most);
          for (const isDown of downs) world.push(isDown as 'refuses' | 'fails' | false);
          // New ones that the server takes show which of the old ones it does not.
          for (let push = 0; push < 4 * given.length + 8; push++) {
            world.add('good');
            world.push();
          }
          const left = world.queue.map((one) => world.fateOf(one));
          expect(left.filter((fate) => fate !== 'poison')).toEqual([]);
          for (const one of world.quarantined) expect(world.fateOf(one)).toBe('bad');
          for (const one of world.stored) expect(world.fateOf(one)).toBe('good');
          expect(new Set(world.stored).size).toBe(world.stored.length);
        },
      ),
    );
  });

  test('keeps the order of the good ones while nothing but bad entries are to blame', () => {
    fc.assert(
      fc.property(fates({ good: 5, bad: 1, poison: 1 }), (given) => {
        const world = new World(given);
        for (let push = 0; push < 4 * given.length + 4; push++) world.push();
        const sequences = world.stored.map(({ sequence }) => sequence);
        expect(sequences).toEqual([...sequences].sort((one, other) => one - other));
      }),
    );
  });

  test('after an outage of any kind keeps the order of all', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.nat({ max: 30 }), (count, pushes) => {
        const world = new World(Array.from({ length: count }, () => 'good'));
        for (let push = 0; push < pushes; push++) {
          expect(world.push('fails').requests).toBeLessThanOrEqual(Math.ceil(Math.log2(count)) + 2);
        }
        world.push();
        expect(world.stored.map(({ sequence }) => sequence)).toEqual(
          Array.from({ length: count }, (_, index) => index + 1),
        );
      }),
    );
  });

  test('one bad entry costs at most 2·log2(n)+3 further requests, wherever it is', () => {
    for (const length of [2, 3, 4, 5, 10, 63, 64, 65, 1000]) {
      for (const bad of new Set([0, 1, length >> 1, length - 2, length - 1])) {
        const world = new World(Array.from({ length }, (_, index) => (index === bad ? 'bad' : 'good')));
        expect(world.push().requests - 1).toBeLessThanOrEqual(2 * Math.log2(length) + 3);
        expect(world.quarantined).toHaveLength(1);
        expect(world.queue).toEqual([]);
      }
    }
  });

  test('begins behind the suspects at the next push, and comes back to them', () => {
    const world = new World(Array.from({ length: 12 }, () => 'good'));
    world.push('refuses');
    const waiting = (many: number): QueuedEntry[] => world.queue.slice(0, many);
    world.isolation.begin(world.queue.length, 1000);
    const first = world.isolation.next(waiting, 1000);
    expect(first[0]?.sequence).toBeGreaterThan(1);
    expect(first.map(({ sequence }) => sequence)).not.toContain(1);
    world.push();
    expect(world.queue).toEqual([]);
  });

  test('forgets suspects that left the queue otherwise', () => {
    const world = new World(['bad', 'bad', 'bad', 'good']);
    world.push('refuses');
    world.isolation.forget(world.queue.splice(0, 3));
    expect(world.isolation.known).toBe(1);
    expect(world.push()).toEqual({ requests: 1, stored: 1 });
  });

  test('does not stick to halves whose entries have left or been joined by adopted ones', () => {
    const world = new World(['good', 'bad', 'good', 'good']);
    world.isolation.begin(4, 1000);
    const waiting = (many: number): QueuedEntry[] => world.queue.slice(0, many);
    world.isolation.refused(world.isolation.next(waiting, 1000));
    const adopted = queuedEntry(99);
    world.queue = [adopted, ...world.queue.slice(1)];
    expect(world.isolation.next(waiting, 1000)).toEqual(world.queue);
  });
});

describe('what the server stumbles over', () => {
  test('travels alone and last once it is known, one a push', () => {
    const world = new World(['poison', 'good', 'poison', 'good', 'good']);
    for (let push = 0; push < 12; push++) world.push();
    expect(world.stored.map(({ sequence }) => sequence)).toEqual([2, 4, 5]);
    for (let push = 0; push < 5; push++) {
      world.add('good');
      world.add('good');
      expect(world.push()).toEqual({ requests: 2, stored: 2 });
    }
  });

  test('is stored at last, when the server stumbles no more', () => {
    const world = new World(['poison', 'good', 'good']);
    for (let push = 0; push < 8; push++) world.push();
    const [poison] = world.queue;
    expect(world.queue).toHaveLength(1);
    world.isolation.begin(1, 1000);
    const batch = world.isolation.next((many) => world.queue.slice(0, many), 1000);
    expect(batch).toEqual([poison]);
    world.isolation.accepted(batch);
    expect(world.isolation.isAnswered(() => [])).toBe(true);
  });
});
