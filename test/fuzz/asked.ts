import { Api, type FetchInit, memoryStorage } from '../../src/index.js';
import type { Random } from '../simulation/random.js';
import { SimulatedTime, settled } from '../simulation/time.js';
import { SENTINEL_KEY } from '../support/assertions/sentinel.js';
import { FakeEnvironment } from '../support/fakes/fake-environment.js';
import type { Answered } from './body-model.js';
import { BASE_URL, DEVICES } from './devices.js';
import { broken } from './expectations.js';

/** An `Api` with three entries queued, whose server answers the same each time. */
export interface Asked {
  readonly api: Api;
  readonly answered: Answered;
  readonly time: SimulatedTime;
  readonly requests: string[];
  /** Lets the server store everything from now on. */
  heal(): void;
  /** How many timers are set. */
  timers(): number;
}

/** @param respond - Answers each request, until it is healed. */
export function open(random: Random, respond: () => Response, answered: Answered): Asked {
  const time = new SimulatedTime();
  const requests: string[] = [];
  let isHealed = false;
  const fetch = async (url: string, { body }: FetchInit): Promise<Response> => {
    requests.push(String(body ?? url));
    return isHealed ? new Response('{"data":{}}') : respond();
  };
  const owner = {};
  const api = new Api(
    { deviceId: DEVICES[0], apiKey: SENTINEL_KEY, baseUrl: BASE_URL, storage: memoryStorage(), fetch },
    { clock: time.clockOf(owner, random), environment: new FakeEnvironment() },
  );
  for (const value of [21.5, 'on', false]) {
    api.addValue('a,b', value);
    api.commit();
  }
  const heal = (): void => {
    isHealed = true;
    requests.length = 0;
  };
  return { api, answered, time, requests, heal, timers: () => time.timersOf(owner) };
}

export interface JudgedResponse<Result> {
  readonly result?: Result;
  readonly error?: unknown;
}

export async function outcomeOf<Result>(asked: Asked, promise: Promise<Result>): Promise<JudgedResponse<Result>> {
  try {
    const result = await finished(asked, promise);
    return { result };
  } catch (error) {
    return { error };
  }
}

const MOST_TURNS = 200;

/** Waits in turns of the event loop, not in time. */
export async function finished<Result>({ time }: Asked, promise: Promise<Result>): Promise<Result> {
  let isOver = false;
  const over = promise.finally(() => {
    isOver = true;
  });
  over.catch(() => {});
  for (let turns = 0; !isOver && turns < MOST_TURNS; turns++) await settled();
  // Requests that wait for an answer may time out by now.
  if (!isOver) await time.advance(12_000);
  if (!isOver) broken('I6', 'it is not over');
  return over;
}

export async function settledAll(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await settled();
}
