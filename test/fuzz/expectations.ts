import { foreignText, redact } from '../../src/core/model/foreign-text.js';
import type { Api, Entry } from '../../src/index.js';
import { SENTINEL_KEY } from '../support/assertions/sentinel.js';
import { isQueued, type ModelEntry, valuesOf } from './journal-model.js';

export function broken(invariant: string, what: string): never {
  throw new Error(`${invariant} is broken: ${what}`);
}

/** That an `Api` has these entries and no other, as they stand in the storage and, for each writer, in order. */
export function expectEntries(api: Api, expected: ReadonlyMap<string, ModelEntry>): void {
  const seen = new Map<string, number>();
  const queued = api.log();
  const aside = api.quarantined();
  for (const entry of queued) {
    expectEntry(entry, expected.get(entry.id));
    const { writer, sequence } = partsOf(entry.id);
    if (sequence <= (seen.get(writer) ?? -1)) broken('I4', `${entry.id} is out of its order`);
    seen.set(writer, sequence);
    const model = expected.get(entry.id);
    if (model && !isQueued(model)) broken('I5', `${entry.id} is in quarantine no more`);
  }
  for (const entry of aside) {
    const model = expected.get(entry.id);
    expectEntry(entry, model);
    if (model && isQueued(model)) broken('I6', `${entry.id} is still in quarantine, and may be tried again`);
    const { status, retryable, reason } = entry;
    const rejection = shownRejection(model?.rejection);
    if (rejection !== JSON.stringify({ status, retryable, reason })) broken('I2', `why ${entry.id} is refused`);
  }
  const listed = new Set([...queued, ...aside].map(({ id }) => id));
  for (const id of expected.keys()) if (!listed.has(id)) broken('I1', `${id} can be read, and was not`);
  if (queued.length + aside.length > listed.size) broken('I2', 'an entry is listed twice');
  for (const { message } of api.status().warnings) expectNoKey(message);
}

/** A text of a server or a storage as it may be shown. @param instead - In place of one that holds 12 digits of the key. */
export function shownText(text: string, instead?: string): string {
  return foreignText(text, (clean) => redact(clean, [SENTINEL_KEY]), instead);
}

/** A rejection as it is shown, of one as it is stored. A storage may hold the key that it was never given. */
function shownRejection(stored: string | undefined): string | undefined {
  if (stored === undefined) return undefined;
  const { status, retryable, reason } = JSON.parse(stored) as { status: number; retryable?: true; reason: string };
  return JSON.stringify({ status, retryable, reason: shownText(reason, `Bad request: ${status}`) });
}

function expectEntry({ id, timestamp, values }: Entry, expected: ModelEntry | undefined): void {
  if (expected === undefined) broken('I2', `${id} was never committed`);
  if (timestamp !== expected.timestamp) broken('I2', `the time of ${id}`);
  const pairs = valuesOf(expected.text) ?? [];
  const isSame =
    values.length === pairs.length &&
    values.every(({ fieldId, value }, at) => fieldId === pairs[at]?.[0] && value === pairs[at]?.[1]);
  if (!isSame) broken('I2', `the values of ${id}`);
}

function partsOf(id: string): { writer: string; sequence: number } {
  const dash = id.lastIndexOf('-');
  return { writer: id.slice(0, dash), sequence: Number(id.slice(dash + 1)) };
}

const NEW_FIELD = 'committed after that';

/** Commits something, and with it what was staged. @returns The wire text that this must have. */
export function commitNew(api: Api, staged: readonly string[]): string {
  const { staged: count } = api.status();
  api.addValue(NEW_FIELD, true);
  const { values = [] } = api.commit() ?? {};
  const text = textOf(values.map(({ fieldId, value }) => [fieldId, value]));
  const candidates = staged.length === 0 ? ['[]'] : staged;
  // The same field again overwrites it, in its place.
  const wanted = candidates.map((one) => textOf([...new Map([...(valuesOf(one) ?? []), [NEW_FIELD, true]])]));
  if (values.length !== count + 1 || !wanted.includes(text)) broken('I2', `what was staged: ${text}`);
  return text;
}

const textOf = (pairs: readonly (readonly [string, unknown])[]): string =>
  `[${pairs.map(([fieldId, value]) => `{${JSON.stringify(fieldId)}:${JSON.stringify(value)}}`).join()}]`;

/** That a server got these entries once each, to the letter, and nothing else. */
export function expectUploaded(bodies: readonly string[], expected: readonly ModelEntry[]): void {
  let left = bodies
    .map((body) => {
      const [, entries] =
        /^\{"clientTimestamp":\d+,"entries":\[(.*)\]\}$/s.exec(body) ?? broken('I2', `it sent ${body}`);
      return `${entries},`;
    })
    .join('');
  for (const { id, timestamp, text } of expected) {
    const piece = `{"timestamp":${timestamp},"values":${text}},`;
    const at = left.indexOf(piece);
    if (at < 0) broken('I2', `${id} did not arrive as it was committed`);
    left = left.slice(0, at) + left.slice(at + piece.length);
  }
  if (left !== '') broken('I2', `the server got ${left}`);
}

export function expectNoKey(text: string): void {
  if (text.toLowerCase().includes(SENTINEL_KEY)) broken('I8', `this shows the API key: ${text}`);
}
