type Rule = readonly [text: string | RegExp, instead: string];

/** Texts of the library that name calls, classes or pages, and the texts for a shell. A function: most calls show no message. */
export const rules = (): readonly Rule[] => [
  // Refusals.
  ['setApiKey() changes the key.', 'nikdev-iot test shows what is refused; nikdev-iot init saves another key.'],
  [
    /see quarantined\(\); restore\(\) puts (?:it|them) back\./,
    'nikdev-iot quarantine shows it; nikdev-iot quarantine restore puts it back.',
  ],
  ['Wait, for retryAfter seconds if given, and try again.', 'Wait: nikdev-iot status shows when the next push is due.'],
  // Commits.
  [
    /Push the queue(?:, dropQuarantined\(\),)? or free space, then commit again\./,
    'Run nikdev-iot push (and nikdev-iot quarantine drop ID…), or free space, then nikdev-iot commit.',
  ],
  [
    /Push the queue(?:, dropQuarantined\(\),)? or free space, then restore again\./,
    'Run nikdev-iot push, or free space, then nikdev-iot quarantine restore again.',
  ],
  ['Math.floor(Date.now() / 1000)', '$(date +%s)'],
  // Options.
  [' or thin()', ' or "thin"'],
  ['gzip()', '"gzip"'],
  // The end of a call.
  [/not everything was stored within (\S+) s, and this Api was closed\./, 'not everything was pushed within $1 s.'],
  ['this Api was closed before the answer came.', 'the command ended before the answer came.'],
  ['Repeat the call with a new Api.', 'Run the command again.'],
  [
    'Every entry that the server did not store is still saved, if the storage is durable; a new Api pushes it.',
    'Everything is saved: the next nikdev-iot push or pipe pushes it.',
  ],
  // The connection.
  [
    'the server could not be reached, or, in a page, does not allow the request (CORS)',
    'the server could not be reached',
  ],
  [' In a page, check too that the server sends CORS headers.', ''],
  ['the port of baseUrl is blocked by this browser or runtime', 'Node does not send to the port of baseUrl'],
  [
    'HTTPS_PROXY is set, which fetch ignores: set NODE_USE_ENV_PROXY=1 (from Node 24), or use httpFetch of nikdev-iot/node.',
    'HTTPS_PROXY is only used with NODE_USE_ENV_PROXY=1 (from Node 24).',
  ],
  [
    'push() will fail: the server answers uploads only without the header x-entry-ids (option idempotency). In a page, its Access-Control-Allow-Headers must list it.',
    'nikdev-iot push will fail: the server answers uploads only without the header x-entry-ids; set idempotency to false in config.json.',
  ],
  ['get() and watch() will be refused', 'nikdev-iot get and watch will be refused'],
  ['push() will be refused', 'nikdev-iot push will be refused'],
  // Warnings.
  [
    'See status().lastException; maxQueuedEntries and overflow bound the queue.',
    'See nikdev-iot status; maxQueuedEntries and overflow in config.json bound the queue.',
  ],
  [
    /^(Entries committed for device (\S+) at (\S+) wait in .*\. They are safe;) an Api with that deviceId and baseUrl pushes them\.$/,
    "$1 NIKDEV_DEVICE_ID=$2 NIKDEV_URL=$3 nikdev-iot push pushes them, with that device's key.",
  ],
  [
    /[Tt]his page or process was hidden, frozen or stopped, and another page or process (?:has )?adopted its queued entries(?: \((\S+) entries\) and pushes them\. New entries are pushed here)?\./,
    'This call was stopped for minutes, and another call pushes its entries.',
  ],
  [
    'Saved entries were deleted, by the user or by this site, or the disk failed. Queued entries are in memory too, and are saved again.',
    'The journal was deleted while this call ran; its entries are saved again.',
  ],
  // The URL of the server.
  [/\bbaseUrl (\S+ is plain http)/, '$1'],
];

/** A text of the library in words that a user of a shell can act on. */
export function inShellWords(text: string): string {
  const shown = rules().reduce((before, [from, to]) => before.replace(from, to), text);
  return withUrl(shown);
}

/** Says once where the URL comes from. A text that was changed before stays as it is. */
function withUrl(text: string): string {
  let count = 0;
  return text.replace(/\b(a wrong )?baseUrl\b(?! in )/g, (_, wrong: string | undefined) => {
    count += 1;
    if (count > 1) return 'that URL';
    return `${wrong ?? 'the '}URL of the server (NIKDEV_URL, or baseUrl in config.json)`;
  });
}
