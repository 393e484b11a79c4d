import { describe, expect, test } from 'vitest';
import type { Api, Entry } from '../../src/index.js';
import { received } from '../support/fakes/fake-server.js';
import { FilePlace, type Place, WebPlace } from '../support/fakes/places.js';

/** A run that can be killed at any call of its storage: from then on nothing that it does has any effect. */
interface Killable {
  readonly place: Place;
  readonly api: Api;
  isKilled(): boolean;
  /** The storage works again, for the next run. */
  revive(): void;
}

/** A countdown of calls. */
function countdown(calls: number): { isOver(): boolean; tick(): boolean } {
  let left = calls;
  return {
    isOver: () => left < 0,
    tick() {
      left -= 1;
      return left < 0;
    },
  };
}

function openInFolder(calls: number): Killable {
  const place = new FilePlace();
  const { isOver, tick } = countdown(calls);
  const killed = (): string | undefined => (tick() ? 'EKILLED' : undefined);
  const faults = new Proxy({}, { get: () => killed });
  const api = place.open({}, faults, { durability: 'power' });
  return { place, api, isKilled: isOver, revive() {} };
}

function openInPage(calls: number): Killable {
  const place = new WebPlace();
  const { isOver, tick } = countdown(calls);
  const { localStorage } = place;
  for (const call of ['setItem', 'removeItem'] as const) {
    const real: (...args: [string, string]) => void = localStorage[call].bind(localStorage);
    Object.assign(localStorage, {
      [call](key: string, value: string) {
        if (tick()) throw new Error('killed');
        real(key, value);
      },
    });
  }
  const revive = (): void => {
    for (const call of ['setItem', 'removeItem']) Reflect.deleteProperty(localStorage, call);
  };
  return { place, api: place.open(), isKilled: isOver, revive };
}

/** The commits and deliveries before a kill. */
interface Life {
  /** The numbers of the commits that returned, and of the one that was under way. */
  readonly committed: number[];
  committing: number | undefined;
  /** The numbers that the server stored, request by request. */
  readonly stored: unknown[][];
}

const numberOf = ({ values }: Pick<Entry, 'values'>): unknown =>
  values.find(({ fieldId }) => fieldId === 'temperature')?.value;

/** All that an `Api` does with its storage, until it is killed. */
async function live({ place, api, isKilled }: Killable): Promise<Life> {
  const life: Life = { committed: [], committing: undefined, stored: [] };
  const commit = (number: number): void => {
    api.addValue('temperature', number);
    life.committing = number;
    api.commit();
    life.committed.push(number);
    life.committing = undefined;
  };
  const { server, clock } = place;
  server.answerWith(() => {
    if (isKilled()) return { received: false, reason: 'unreachable' };
    if (server.requests.length % 2 === 0) return received(503);
    const upload = server.uploads.at(-1) as { temperature?: number }[][];
    life.stored.push(upload.map((values) => values.find((value) => 'temperature' in value)?.temperature));
    return received(200);
  });
  try {
    await clock.advance(5000);
    commit(1);
    api.addValue('text', 'staged');
    await clock.advance(0);
    commit(2);
    commit(3);
    for (const number of [4, 6, 8]) {
      await api.push().catch(() => {});
      commit(number);
      commit(number + 1);
    }
    await clock.advance(60_000);
    api.addValue('text', 'staged again');
    await clock.advance(0);
    await api.close();
  } catch (error) {
    if (!isKilled()) throw error;
  }
  return life;
}

const valuesOf = (number: number) => [
  // The one that was made of what had been staged before.
  ...(number === 2 ? [{ fieldId: 'text', value: 'staged' }] : []),
  { fieldId: 'temperature', value: number },
];

/** How many calls a whole life takes. */
async function countCalls(open: (calls: number) => Killable): Promise<number> {
  let most = 1;
  for (;;) {
    const killable = open(most);
    await live(killable);
    if (!killable.isKilled()) return most;
    most *= 2;
  }
}

describe.each([
  ['fileStorage', openInFolder],
  ['webStorage', openInPage],
] as const)('F24 a run with %s that is killed at any call of its storage', (_where, open) => {
  test('leaves all that it committed and nobody stored, whole, in order, and nothing else', {
    timeout: 120_000,
  }, async () => {
    const most = await countCalls(open);
    expect(most).toBeGreaterThan(16);
    for (let calls = 0; calls <= most; calls++) {
      const killable = open(calls);
      const { place, api } = killable;
      const { committed, committing, stored } = await live(killable);
      place.crash(api);
      killable.revive();

      const next = await place.reopen();
      const found = next.log();
      const numbers = found.map(numberOf) as number[];
      const at = `killed at call ${calls}`;
      expect(next.status().warnings, at).toEqual([]);
      for (const entry of found) expect(entry.values, at).toEqual(valuesOf(numberOf(entry) as number));
      expect(numbers, at).toEqual([...numbers].sort((one, other) => one - other));
      const delivered = new Set(stored.flat());
      expect(
        committed.filter((number) => !numbers.includes(number) && !delivered.has(number)),
        at,
      ).toEqual([]);
      expect(
        numbers.filter((number) => !committed.includes(number) && number !== committing),
        at,
      ).toEqual([]);
      // Only the last stored request may come again.
      const before = stored.slice(0, -1).flat();
      expect(
        numbers.filter((number) => before.includes(number)),
        at,
      ).toEqual([]);

      // Looking is no change: the run that found this may be killed as well.
      place.crash(next);
      const last = await place.reopen();
      expect(last.log(), at).toEqual(found);
    }
  });
});
