import type { gzip, thin } from '../../index.js';

/** The policies of the library that are functions. */
export interface Policies {
  readonly thin: typeof thin;
  readonly gzip: typeof gzip;
}

/** An option of `new Api(…)` that the configuration may hold. */
interface ConfigOption {
  /** The option in words, for the documentation. */
  readonly text: string;
  /** Words of the configuration, as JSON has no functions, and the values that they stand for. Default: none. */
  readonly words?: Readonly<Record<string, (policies: Policies) => unknown>>;
}

/** The options of `new Api(…)` by name. Their values are validated by `Api`. */
export const CONFIG_OPTIONS: Readonly<Record<string, ConfigOption>> = {
  fields: {
    text: 'names of fields: `{ "temperature": "<Field ID>" }`; with a dead band: `{ "temperature": { "id": "<Field ID>", "deadband": 0.2, "atLeastEverySeconds": 600 } }` leaves out values that differ from the last committed one by no more than that, across calls. Without `fields`, names are field ids',
  },
  requestTimeout: { text: 'deadline of a request, in seconds (10)' },
  maxEntriesPerRequest: { text: 'entries in one request (1000)' },
  maxBytesPerRequest: { text: 'bytes of one request (524288)' },
  maxQueuedEntries: { text: 'entries that may be queued (no limit)' },
  maxQueuedBytes: { text: 'bytes of values that may be queued (no limit)' },
  overflow: {
    text: 'at that limit, and on a full disk: `"refuse"` (default: the values stay staged), `"drop-oldest"`, or `"thin"`: a quarter of the entries is removed, and the rest still covers the whole time',
    words: { thin: ({ thin }) => thin() },
  },
  maxAge: { text: 'age in seconds beyond which a push discards entries (no limit)' },
  order: { text: '`"oldest-first"` (default), or `"live-first"`: alternates between new entries and the backlog' },
  liveSeconds: { text: 'with `"live-first"`: how long an entry is new, in seconds (60)' },
  compression: {
    text: '`"gzip"` compresses requests above 1 KiB; a server that does not accept them gets them uncompressed (none)',
    words: { gzip: ({ gzip }) => gzip() },
  },
  idempotency: {
    text: '`true` sends an id with each entry, so that a server that honours `x-entry-ids` stores it once (`false`)',
  },
  autoPush: {
    text: 'for `pipe`: `{ "everySeconds": 10, "atEntries": 100 }`, the longest time until a push, and the number of entries that triggers a push',
  },
};

/** The other options of `new Api(…)`, and why the configuration does not hold them. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  deviceId: 'belongs to the credentials',
  apiKey: 'belongs to the credentials',
  baseUrl: 'belongs to the credentials',
  storage: 'is the folder',
  fetch: 'is code',
  environment: 'is code',
  stageUncommittedValues: 'staged values belong to the folder',
  stageUnpushedEntries: 'entries belong to the folder',
  onRefusedCredentials: 'is always "keep"',
  flushOnHide: 'is for pages',
  debug: 'is NIKDEV_IOT_DEBUG=1 in the environment',
};

/** @returns The options of a configuration, as `new Api(…)` takes them. */
export function makeOptions(given: Readonly<Record<string, unknown>>, policies: Policies): Record<string, unknown> {
  const made = ([name, value]: [string, unknown]): [string, unknown] => {
    const { words = {} } = CONFIG_OPTIONS[name] ?? {};
    const make = typeof value === 'string' && Object.hasOwn(words, value) ? words[value] : undefined;
    return [name, make ? make(policies) : value];
  };
  return Object.fromEntries(Object.entries(given).map(made));
}
