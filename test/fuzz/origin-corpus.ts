import { Api, type ApiOptions, webStorage } from '../../src/index.js';
import { Origin, type Page } from '../simulation/origin.js';
import { type Random, randomOf } from '../simulation/random.js';
import { SimulatedTime } from '../simulation/time.js';
import { SENTINEL_KEY } from '../support/assertions/sentinel.js';
import { FakeEnvironment } from '../support/fakes/fake-environment.js';
import { BASE_URL, DEVICES, FuzzedServer } from './devices.js';
import { commitAll, pushPast, pushSome } from './journal-corpus.js';

/** An origin with its `localStorage`, and the pages that use it. */
export class Pages {
  readonly time = new SimulatedTime();
  readonly server = new FuzzedServer();
  readonly origin: Origin;
  readonly #random: Random;

  /** @param hasLocks - `false` on plain http. */
  constructor(random: Random, hasLocks: boolean, items?: Map<string, string>) {
    this.#random = random;
    this.origin = new Origin(this.time, random, hasLocks, undefined, items);
  }

  /** Opens a page with one `Api`. */
  open(options: Partial<ApiOptions> = {}): { readonly api: Api; readonly page: Page } {
    const page = this.origin.open();
    const storage = webStorage(page.storage, {}, { locks: page.locks, page: page.window });
    const clock = this.time.clockOf(page.lifecycle, this.#random);
    const ports = { clock, transport: this.server, environment: new FakeEnvironment() };
    const api = new Api({ deviceId: DEVICES[0], apiKey: SENTINEL_KEY, baseUrl: BASE_URL, storage, ...options }, ports);
    return { api, page };
  }

  /** Ends a page, and its timers. */
  crash({ lifecycle }: Page): void {
    lifecycle.end();
    this.time.forget(lifecycle);
  }
}

type Story = (pages: Pages) => Promise<void>;

/** How long it takes until all that can be adopted is: without locks the dead must be silent for three minutes. */
export const ADOPTED_WITHIN_MS = 250_000;

/** The `localStorage` of some origins, as the real code leaves it, with Web Locks and without. */
export async function makeOrigins(): Promise<ReadonlyMap<string, string>[]> {
  const origins: ReadonlyMap<string, string>[] = [];
  for (const [index, story] of STORIES.entries()) {
    for (const hasLocks of [true, false]) {
      const pages = new Pages(randomOf(2 * index + (hasLocks ? 1 : 2)), hasLocks);
      await story(pages);
      origins.push(pages.origin.items);
    }
  }
  return origins;
}

const STORIES: readonly Story[] = [
  async (pages) => {
    const { api, page } = pages.open();
    await commitAll(api);
    pages.crash(page);
  },
  async (pages) => {
    const { api, page } = pages.open({ maxEntriesPerRequest: 1 });
    await commitAll(api);
    await pushSome(pages, api);
    pages.crash(page);
  },
  // Closed, which leaves a mark where there are no locks.
  async (pages) => {
    const { api } = pages.open();
    await commitAll(api);
    await api.close();
  },
  // Taken over by another page, which crashed in turn.
  async (pages) => {
    const first = pages.open();
    await commitAll(first.api);
    pages.crash(first.page);
    const second = pages.open();
    await pages.time.advance(ADOPTED_WITHIN_MS);
    await commitAll(second.api);
    pages.crash(second.page);
  },
  // Two devices'.
  async (pages) => {
    const opened = [pages.open(), pages.open({ deviceId: DEVICES[1] })];
    for (const { api } of opened) await commitAll(api);
    for (const { page } of opened) pages.crash(page);
  },
  // With an entry that requests failed over while others passed.
  async (pages) => {
    const { api, page } = pages.open();
    await commitAll(api);
    await pushPast(pages, api);
    await commitAll(api);
    pages.crash(page);
  },
];
