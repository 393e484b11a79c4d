import { crc32 } from 'node:zlib';
import { encodeOwner } from '../../src/storage/file/ownership/process-identity.js';
import { FIRST_NAMESPACE } from '../simulation/machine.js';
import type { Random } from '../simulation/random.js';
import { randomOf } from '../simulation/random.js';
import { SENTINEL_KEY } from '../support/assertions/sentinel.js';
import { BASE_URL, DEVICES, Devices } from './devices.js';
import { broken, commitNew, expectEntries, expectUploaded } from './expectations.js';
import { fuzz } from './fuzz.js';
import { makeJournals } from './journal-corpus.js';
import { isQueued, type JournalModel, type ModelEntry, modelOf } from './journal-model.js';
import { mutate, pick } from './mutate.js';

const OURS = JSON.stringify([DEVICES[0], BASE_URL]);
const journals = await makeJournals();
/** Lies beside each of the mutated ones. */
const healthy = await makeHealthy();
const HEALTHY = modelOf(healthy);

const DICTIONARY = [
  ...['\n', '\n\n', ' ', '1 ', '2 ', '\n2 00000000 E a 1 1 []\n', '\n1 00000000 ', 'W ', 'E ', 'C ', 'Q ', 'R ', 'S '],
  ...['[]', '[{', '}]', '{"', '":', '-', ',', '"deviceId":"', DEVICES[1], BASE_URL, '\0', '\u00ff', '\r'],
  ...['null', '{"status":400,"reason":"Bad request: 400"}', '[{"a":1}]', '1-999999999999999', '0-0', '\ud83d\ude00'],
].map((word) => Buffer.from(word).toString('latin1'));

fuzz('journals', 'test/fuzz/journals.test.ts', tryJournal, ['whole', 'damaged', 'newer', 'full disk']);

async function tryJournal(random: Random, tell: (input: unknown) => void): Promise<string> {
  const isFull = random() < 0.1;
  // Records that tell different things of one id are never written, and which of them is moved on a full disk is not said.
  const text = mutateJournal(random, !isFull && random() < 0.3);
  tell({ text, isFull });
  const devices = new Devices(random);
  const { disk } = devices.machine;
  disk.plant(pick(NAMES, random), Buffer.from(text, 'latin1'));
  disk.plant('nikdev-iot-1_free_healthy000000000.journal', Buffer.from(healthy, 'latin1'));
  const mutated = modelOf(text);
  const models = [mutated, HEALTHY];
  const ours = entriesOf(models);

  const first = devices.start();
  const api = first.open();
  await api.ready;
  expectEntries(api, ours);
  const committed = commitNew(api, stagedOf(models));
  if (random() < 0.5) await api.close();
  else first.lifecycle.end();
  const all = entriesOf(keptIn(devices));
  const added = [...all.values()].filter(({ id }) => !ours.has(id));
  if (added.length !== 1 || added[0]?.text !== committed) broken('I1', 'what was committed then is not saved');
  expectKept(devices, models, () => false);

  const second = devices.start();
  const next = second.open();
  await next.ready;
  expectEntries(next, all);
  if (isFull) disk.faults.freeSpace = 0;
  await next.push();
  expectUploaded(devices.server.bodies, [...all.values()].filter(isQueued));
  if (random() < 0.5) await next.close();
  expectKept(devices, models, (entry) => entry.destination === OURS && isQueued(entry), isFull);
  return isFull ? 'full disk' : sortOf(mutated);
}

/** Those that are this device's. */
function entriesOf(models: readonly JournalModel[]): Map<string, ModelEntry> {
  return new Map(models.flatMap(({ entries }) => [...entries].filter(([, { destination }]) => destination === OURS)));
}

/** The values that this device may have staged in its latest run: one of these. */
function stagedOf(models: readonly JournalModel[]): string[] {
  const ours = models.flatMap(({ staged }) => [...staged.values()].filter(({ destination }) => destination === OURS));
  const latest = Math.max(...ours.map(({ run }) => run));
  return ours.filter(({ run }) => run === latest).map(({ text }) => text);
}

function keptIn(devices: Devices): JournalModel[] {
  return [...devices.files()].filter(([name]) => name.endsWith('.journal')).map(([, text]) => modelOf(text));
}

/** That all which can't be read, or is others', is still there; and of ours all that is not done with, and nothing else. */
function expectKept(
  devices: Devices,
  models: readonly JournalModel[],
  isDone: (entry: ModelEntry) => boolean,
  isFull = false,
): void {
  const kept = keptIn(devices);
  const entries = new Map(kept.flatMap((model) => [...model.entries]));
  const staged = new Map(kept.flatMap((model) => [...model.staged]));
  const files = [...devices.files().values()];
  const lines = new Set(files.flatMap((text) => text.split('\n')));
  for (const model of models) {
    for (const line of model.unreadable) if (!lines.has(line)) broken('I5', `this is gone: ${JSON.stringify(line)}`);
    for (const [id, entry] of model.entries) {
      const found = entries.get(id);
      // Where a disk is full, and there is what only a newer release may move, no room can be made for a note.
      if (isDone(entry) && (isFull || found === undefined)) continue;
      if (!isSame(found, entry)) broken('I1', `${id} is kept as ${JSON.stringify(found)}`);
      if (isDone(entry)) broken('I6', `${id} was stored, and is still kept`);
    }
    for (const [writer, one] of model.staged) {
      if (one.destination !== OURS && !isFull && staged.get(writer)?.text !== one.text)
        broken('I5', `others' staged values are gone: ${one.text}`);
    }
  }
  if (files.some((text) => text.includes(SENTINEL_KEY))) broken('I8', 'the API key is stored');
}

function isSame(one: ModelEntry | undefined, other: ModelEntry): boolean {
  return (
    one?.timestamp === other.timestamp &&
    one.text === other.text &&
    one.rejection === other.rejection &&
    one.destination === other.destination
  );
}

function sortOf({ unreadable }: JournalModel): string {
  if (unreadable.some((line) => /^(?:[2-9]|\d{2,9}) [\da-f]/.test(line))) return 'newer';
  return unreadable.length > 0 ? 'damaged' : 'whole';
}

const DEAD = { boot: 'boot1', namespace: String(FIRST_NAMESPACE), pid: 999, start: '5' };
/** An owner that is dead, and none. */
const NAMES = [
  `nikdev-iot-1_${encodeOwner(DEAD, 'deadstore0000000')}_mutated000000000.journal`,
  'nikdev-iot-1_free_mutated000000000.journal',
];

const LINE = /\n1 [\da-f]{8} ([^\n]*)\n/g;

function mutateJournal(random: Random, isRepaired: boolean): string {
  const text = mutate(pick(journals, random), random, {
    dictionary: DICTIONARY,
    other: pick(journals, random),
    bits: 8,
  });
  // Else nothing that is altered would ever get behind the checksum.
  return isRepaired ? text.replace(LINE, (line, body: string) => repaired(line, body)) : text;
}

function repaired(line: string, body: string): string {
  return line.replace(/[\da-f]{8}/, crc32(Buffer.from(body, 'latin1')).toString(16).padStart(8, '0'));
}

async function makeHealthy(): Promise<string> {
  const devices = new Devices(randomOf(1000));
  const { lifecycle, open } = devices.start();
  const api = open();
  api.addValue('healthy', true);
  api.commit();
  lifecycle.end();
  return [...devices.files().values()].join('');
}
