// Prints all that a program prints of a hostile server and a hostile storage: exceptions, events and status.

import { Api, StorageException } from '../../../dist/index.js';

const [baseUrl, apiKey, words] = process.argv.slice(2);
const deviceId = '11111111-1111-4111-8111-111111111111';
const text = Buffer.from(words, 'base64').toString();

const show = (...what) => console.log(...what);
const attempt = async (call) => {
  try {
    show(await call());
  } catch (exception) {
    show(exception.message, exception.advice);
    console.error(exception);
  }
};

function open(options) {
  const api = new Api({ deviceId, apiKey, baseUrl, onRefusedCredentials: 'keep', ...options });
  for (const name of ['push', 'retry', 'discard', 'quarantine', 'adopt', 'warning', 'error'])
    api.on(name, (event) => show(name, event, event.message));
  return api;
}

const api = open({});
for (const value of ['bad', 'good']) {
  api.addValue('value', value);
  api.commit();
}
await attempt(() => api.push());
await attempt(() => api.get('a'));
await attempt(() => api.testConnection());
show(api.status(), api.quarantined());

// A fetch and a storage may put anything into their errors.
const inner = new AggregateError([new Error(text)], text);
const failing = open({
  fetch: () => Promise.reject(Object.assign(new TypeError(text, { cause: inner }), { code: text })),
});
failing.addValue('value', 1);
failing.commit();
await attempt(() => failing.push());

const nothing = () => undefined;
const storage = {
  durability: 'none',
  open: () => ({
    id: 'hostile000000000',
    check: nothing,
    close: nothing,
    saveStaged: nothing,
    saveAgain: nothing,
    remove: nothing,
    quarantine: nothing,
    save: () => {
      throw new StorageException(text, { advice: text, isFull: true });
    },
    adopt: async () => ({
      entries: [
        { writer: 'w', sequence: 1, timestamp: 1, values: '[{"a":1}]', bytes: 9 },
        {
          ...{ writer: 'w', sequence: 2, timestamp: 1, values: '[{"a":1}]', bytes: 9 },
          rejection: { status: 400, reason: text },
        },
      ],
      staged: [],
      warnings: [{ code: 'entries-waiting', message: text }],
    }),
  }),
};
const hostile = open({ storage, overflow: 'drop-oldest' });
await hostile.ready;
show(hostile.status(), hostile.quarantined());
await attempt(async () => {
  hostile.addValue('value', 1);
  hostile.commit();
});

// Refused arguments and the words of schemas.
const schema = { '~standard': { version: 1, vendor: 'x', validate: () => ({ issues: [{ message: text }] }) } };
const named = open({ fields: { [text]: 'a', other: { id: 'b', schema } } });
await attempt(async () => named.addValue('other', 1));
await attempt(async () => named.addValue(`${text}!`, 1));
await attempt(async () => named.get(text.slice(0, 70)));
await attempt(async () => named.addValue(text, Number.NaN));
await attempt(async () => named.commit({ timestamp: text }));
await attempt(async () => named.on(text, () => {}));
await attempt(async () => new Api({ deviceId: text, apiKey }));
await attempt(async () => new Api({ deviceId, apiKey: text }));
await attempt(async () => new Api({ deviceId, apiKey, baseUrl: text }));
await attempt(async () => new Api({ deviceId, apiKey, [text]: 1 }));
await attempt(async () => new Api({ deviceId, apiKey, fields: { [text]: 5 } }));
for (const each of [api, failing, hostile, named]) await each.close().catch(() => {});
