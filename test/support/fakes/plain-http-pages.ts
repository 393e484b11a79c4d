import { onTestFinished } from 'vitest';
import type { Clock } from '../../../src/core/time/clock.js';
import { Api, type ApiOptions, webStorage } from '../../../src/index.js';
import { credentials } from '../builders/credentials.js';
import { FakeClock } from './fake-clock.js';
import { FakeServer } from './fake-server.js';
import { FakeWebStorage } from './fake-web.js';

/** Pages of one origin on plain http, each with an `Api`, on one clock and with one server. */
export class PlainHttpPages {
  readonly localStorage = new FakeWebStorage();
  readonly clock = new FakeClock();
  readonly server = new FakeServer();
  page(options: Partial<ApiOptions> = {}, clock: Clock = this.clock) {
    const window = new EventTarget();
    const storage = webStorage(this.localStorage, {}, { page: window });
    const api = new Api({ ...credentials, storage, ...options }, { clock, transport: this.server });
    onTestFinished(() => api.close());
    return {
      api,
      storage,
      hide: () => window.dispatchEvent(new Event('pagehide')),
      show: () => window.dispatchEvent(new Event('pageshow')),
    };
  }
  /** The value of each uploaded entry, in the order of arrival. */
  get delivered(): unknown[] {
    return this.server.uploads.flat().map((values) => Object.values((values as object[])[0] ?? {})[0]);
  }
}

/** The first value of each entry in the queue. */
export const queuedValues = (api: Api): unknown[] => api.log().map(({ values }) => values[0]?.value);
