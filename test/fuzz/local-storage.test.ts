import { type Random, randomOf } from '../simulation/random.js';
import { SENTINEL_KEY } from '../support/assertions/sentinel.js';
import { BASE_URL, DEVICES } from './devices.js';
import { broken, commitNew, expectEntries, expectUploaded } from './expectations.js';
import { fuzz } from './fuzz.js';
import { isQueued, type ModelEntry } from './journal-model.js';
import { mutate, pick } from './mutate.js';
import { ADOPTED_WITHIN_MS, makeOrigins, Pages } from './origin-corpus.js';
import { type ModelWriter, writersOf } from './origin-model.js';

const OURS = JSON.stringify([DEVICES[0], BASE_URL]);
const origins = await makeOrigins();
const healthy = { locks: await makeHealthy(true), noLocks: await makeHealthy(false) };

const DICTIONARY = [
  ...['nikdev-iot/1/', 'nikdev-iot/2/', '/writer', '/staged', '/life', 'runs', '/1', '/7', 'length', '__proto__', ''],
  ...[
    '{"version":1,',
    '{"version":2,',
    '"timestamp":',
    '"rejection":{"status":400,"reason":"Bad request: 400"},',
    '"retryable":true,',
    '"values":',
  ],
  ...[
    '[]',
    '[{',
    '}]',
    '{"',
    '":',
    '\\ud800',
    '\\u0041',
    ' ',
    'null',
    '[{"a":1}]',
    '[{"a":1},{"a":2}]',
    '\ud83d\ude00',
    '\ud800',
  ],
  ...[':0000000000000007', '@k2m4x8q0v1000007', '-                ', '-', ':', '@', SENTINEL_KEY, DEVICES[1], BASE_URL],
];

fuzz('contents of localStorage', 'test/fuzz/local-storage.test.ts', tryItems, ['whole', 'damaged']);

async function tryItems(random: Random, tell: (input: unknown) => void): Promise<string> {
  const hasLocks = random() < 0.5;
  const items = mutateItems(random);
  tell({ hasLocks, items: [...items] });
  for (const [key, value] of hasLocks ? healthy.locks : healthy.noLocks) items.set(key, value);
  const before = new Map(items);
  const found = writersOf(before);
  const ours = new Map([...found].filter(([, writer]) => isAdoptable(writer, hasLocks)));
  const entries = entriesOf(ours);
  const pages = new Pages(random, hasLocks, items);

  const first = pages.open();
  await pages.time.advance(isAllFree(items, hasLocks) ? SOON_MS : ADOPTED_WITHIN_MS);
  expectEntries(first.api, entries);
  const committed = commitNew(first.api, stagedIn(ours));
  if (random() < 0.5) await first.api.close();
  pages.crash(first.page);
  const known = entriesOf(found);
  const added = [...entriesOf(writersOf(items))].filter(([id]) => !known.has(id));
  if (added.length !== 1 || added[0]?.[1].text !== committed) broken('I1', 'what was committed then is not saved');
  expectKept(items, before, ours, () => false);

  const second = pages.open();
  await pages.time.advance(isAllFree(items, hasLocks) ? SOON_MS : ADOPTED_WITHIN_MS);
  const all = new Map([...entries, ...added]);
  expectEntries(second.api, all);
  await second.api.push();
  expectUploaded(pages.server.bodies, [...all.values()].filter(isQueued));
  if (random() < 0.5) await second.api.close();
  expectKept(items, before, ours, isQueued);
  return [...before.keys()].some((key) => ENTRY_KEY.test(key) && !known.has(idOf(key))) ? 'damaged' : 'whole';
}

const ENTRY_KEY = /^nikdev-iot\/1\/[\da-z]{16}\/[1-9]\d{0,14}$/;
const idOf = (key: string): string => key.slice('nikdev-iot/1/'.length).replace('/', '-');

/** A page without locks can't tell whether one lives that shows nothing. */
function isAdoptable({ destination, life }: ModelWriter, hasLocks: boolean): boolean {
  return destination === OURS && (hasLocks || life !== undefined);
}

/** Whether it is there to be taken at the first look. */
const isFree = ({ life }: ModelWriter): boolean => life === undefined || life[0] === '-';

/** For some looks, each a second after the last. */
const SOON_MS = 5000;

/** Whether all is there to be taken at the first looks. */
function isAllFree(items: ReadonlyMap<string, string>, hasLocks: boolean): boolean {
  return hasLocks && [...items].every(([key, value]) => !key.endsWith('/life') || value[0] === '-');
}

function entriesOf(writers: ReadonlyMap<string, ModelWriter>): Map<string, ModelEntry> {
  return new Map(
    [...writers.values()].flatMap(({ entries }) => [...entries.values()].map((entry) => [entry.id, entry])),
  );
}

/** The values that may have been staged in the latest run that is certainly dead at the start: one of these. */
function stagedIn(writers: ReadonlyMap<string, ModelWriter>): string[] {
  const staged = [...writers.values()].flatMap((writer) => (writer.staged && isFree(writer) ? [writer.staged] : []));
  const latest = Math.max(...staged.map(({ run }) => run));
  return staged.filter(({ run }) => run === latest).map(({ text }) => text);
}

/** That all which can't be read, or is others', is still there as it was; and of ours all that is not done with. */
function expectKept(
  items: ReadonlyMap<string, string>,
  before: ReadonlyMap<string, string>,
  ours: ReadonlyMap<string, ModelWriter>,
  isDone: (entry: ModelEntry) => boolean,
): void {
  for (const [key, value] of before) {
    const [, id = '', what = ''] = /^nikdev-iot\/1\/([\da-z]{16})\/(.*)$/s.exec(key) ?? [];
    const writer = ours.get(id);
    const entry = writer?.entries.get(key);
    const now = items.get(key);
    if (entry && isDone(entry)) {
      if (now !== undefined) broken('I6', `${key} was stored, and is still kept`);
      continue;
    }
    const mayGo = writer !== undefined && ((what === 'staged' && writer.staged !== undefined) || what === 'life');
    if (now === value || mayGo || key === 'nikdev-iot/1/runs') continue;
    // The destination goes with the last of what it is for.
    const isLast = what === 'writer' && writer && ![...items.keys()].some((other) => isEntryOf(other, id));
    if (!isLast || now !== undefined) broken('I5', `${JSON.stringify(key)} is ${now} and no longer ${value}`);
  }
  if (![...before.values()].some(holdsKey) && [...items.values()].some(holdsKey)) broken('I8', 'the API key is stored');
}

const isEntryOf = (key: string, id: string): boolean => ENTRY_KEY.test(key) && key.includes(`/${id}/`);
const holdsKey = (value: string): boolean => value.toLowerCase().includes(SENTINEL_KEY);

type Change = (items: Map<string, string>, key: string, random: Random, other: ReadonlyMap<string, string>) => void;

const CHANGES: readonly Change[] = [
  ...Array.from(
    { length: 12 },
    (): Change => (items, key, random, other) => {
      items.set(key, mutateText(items.get(key) ?? '', random, pick([...items.values(), ...other.values()], random)));
    },
  ),
  (items, key, random, other) => {
    const value = items.get(key) ?? '';
    items.delete(key);
    items.set(mutateText(key, random, pick([...other.keys()], random)), value);
  },
  (items, key, random, other) =>
    void items.set(mutateText(key, random, pick([...other.keys()], random)), items.get(key) ?? ''),
  (items, key) => void items.delete(key),
  (items, key, random) => void items.set(key, pick([...items.values()], random)),
  (items, _key, random, other) => {
    const [key, value] = pick([...other], random);
    items.set(key, value);
  },
];

function mutateItems(random: Random): Map<string, string> {
  const items = new Map(pick(origins, random));
  const other = pick(origins, random);
  do {
    const keys = [...items.keys()];
    pick(CHANGES, random)(items, pick(keys, random), random, other);
  } while (items.size > 0 && random() < 0.4);
  return items;
}

function mutateText(text: string, random: Random, other: string): string {
  return mutate(text, random, { dictionary: DICTIONARY, other, bits: random() < 0.5 ? 8 : 16 });
}

/** Lies beside each of the mutated ones: left, so that any page may take it at once. */
async function makeHealthy(hasLocks: boolean): Promise<ReadonlyMap<string, string>> {
  const pages = new Pages(randomOf(1000), hasLocks);
  const { api } = pages.open();
  api.addValue('healthy', true);
  api.commit();
  await api.close();
  return pages.origin.items;
}
