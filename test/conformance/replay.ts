import { expect } from 'vitest';
import { Api, ApiException, type ApiOptions, PushException } from '../../src/index.js';
import { credentials } from '../support/builders/credentials.js';

/** A recording of the reference client, version 0.5.5: what was called, what was answered, what was seen. */
export interface Case {
  readonly name: string;
  readonly deviceId?: string;
  readonly apiKey?: string;
  readonly ops: readonly (readonly [name: string, ...args: unknown[]])[];
  readonly answers?: readonly RecordedAnswer[];
  readonly requests: readonly { method: string; path: string; headers: Record<string, string>; json: unknown }[];
  readonly results: readonly Result[];
}

export interface RecordedAnswer {
  readonly status: number;
  readonly json?: unknown;
  readonly text?: string;
}

interface Result {
  readonly ok?: unknown;
  readonly raises?: string;
  readonly message?: string;
  readonly retained_data?: boolean;
  readonly staged: number;
  readonly committed: number;
}

interface RecordedReading {
  readonly fieldId: string;
  readonly value: unknown;
  readonly timestampMinusNow: number | null;
}

/** A request as a server, or a `fetch`, sees it; the names of headers in small letters. */
interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** The reference client's words in ours. */
const METHODS: Record<string, (api: Api, ...args: never[]) => unknown> = {
  add_value: (api, fieldId: string, value: string | number | boolean) => api.addValue(fieldId, value),
  commit: (api) => api.commit(),
  push: (api) => api.push(),
  commit_and_push: (api) => api.commitAndPush(),
  reset: (api) => api.reset(),
  reset_unpushed_entries: (api) => api.resetUnpushedEntries(),
  get: (api, ids: string | string[]) => api.get(ids),
};

/**
 * Calls what the recording called, and expects what it saw.
 *
 * @param connect - Makes a server that answers by the script: the options of an `Api` that reaches it.
 */
export async function replay(
  recorded: Case,
  connect: (answer: (request: SeenRequest) => RecordedAnswer) => Promise<Partial<ApiOptions>>,
): Promise<void> {
  const script = new Script(recorded);
  const server = await connect((request) => script.answerTo(request));
  const { deviceId, apiKey } = { ...credentials, ...recorded };
  const api = new Api({ deviceId, apiKey, ...server });

  for (const [index, operation] of recorded.ops.entries()) {
    await expectResult(() => call(api, operation), recorded.results[index] as Result);
    expect(api.status()).toMatchObject({
      staged: recorded.results[index]?.staged,
      committed: recorded.results[index]?.committed,
    });
  }
  expect(script.isOver).toBe(true);
  expect(script.differences).toEqual([]);
}

/** Calls the operations of a recording, whatever their results, and pushes until nothing waits. */
export async function deliver({ ops }: Case, api: Api): Promise<void> {
  for (const operation of [...ops, ...DRAIN])
    await Promise.resolve()
      .then(() => call(api, operation))
      .catch(() => {});
  expect(api.status()).toMatchObject({ committed: 0, quarantined: 0 });
  await api.close();
}

/** More pushes than a recording has failures. */
const DRAIN: Case['ops'] = Array.from({ length: 10 }, () => ['push'] as const);

function call(api: Api, [name, ...args]: Case['ops'][number]): unknown {
  const method = METHODS[name];
  if (method === undefined) throw new Error(`no method for ${name}`);
  return method(api, ...(args as never[]));
}

type Recorded = Case['requests'][number];

/**
 * Answers as the recording's server did, and compares. Where the reference client sends all that is queued at once, this one
 * sends half after a failure that may be about the content: then an upload of the recording stands for several of ours, which
 * together hold the same entries. A failure lasts for both requests of a push, as an outage does.
 */
class Script {
  readonly differences: unknown[] = [];
  readonly #requests: Recorded[];
  readonly #answers: RecordedAnswer[];
  #hasFailed = false;
  /** Whether the failure of several entries was answered once, and the half of them is awaited. */
  #awaitsHalf = false;

  constructor({ requests, answers = [] }: Case) {
    this.#requests = requests.map(({ method, path, headers, json }) => ({ method, path, headers, json }));
    this.#answers = [...answers];
  }

  get isOver(): boolean {
    return this.#requests.length === 0;
  }

  answerTo(request: SeenRequest) {
    const ours = withoutTimes(request);
    const [theirs, answer = { status: 200, json: { data: {} } }] = [this.#requests[0], this.#answers[0]];
    const sent = entriesOf(ours);
    const rest = entriesOf(theirs).slice(sent.length);
    const expected = this.#hasFailed ? withEntries(theirs, entriesOf(theirs).slice(0, sent.length)) : theirs;
    if (JSON.stringify(ours) !== JSON.stringify(expected)) this.differences.push({ ours, expected });
    const isPart = this.#hasFailed && answer.status < 300 && rest.length > 0 && sent.length > 0;
    if (isPart) this.#requests[0] = withEntries(theirs, rest);
    const isFailure = mayBeAboutContent(answer.status);
    this.#awaitsHalf = isFailure && sent.length > 1 && !this.#awaitsHalf;
    if (!isPart && !this.#awaitsHalf) {
      this.#requests.shift();
      this.#answers.shift();
    }
    this.#hasFailed ||= isFailure;
    return answer;
  }
}

const mayBeAboutContent = (status: number): boolean =>
  status >= 500 || (status >= 400 && ![400, 408, 413, 422, 425, 429].includes(status));

const entriesOf = (request: { readonly json: unknown } | undefined): unknown[] =>
  (request?.json as { entries?: unknown[] } | null)?.entries ?? [];

function withEntries(request: Recorded | undefined, entries: unknown[]): Recorded {
  return { ...request, json: { ...(request?.json as object), entries } } as Recorded;
}

async function expectResult(call: () => unknown, { ok, raises, message, retained_data }: Result): Promise<void> {
  if (raises !== undefined) {
    const exception = await Promise.resolve()
      .then(call)
      .catch((error: unknown) => error);
    expect(exception).toBeInstanceOf(ApiException);
    expect(exception).toMatchObject({ name: raises });
    if (message?.startsWith('Bad request: ')) expect(exception).toMatchObject({ message });
    else expect((exception as Error).message).toMatch(/^Bad luck: ./);
    if (exception instanceof PushException) expect(exception.retainedData).toBe(retained_data);
    return;
  }
  const result = await call();
  if (!Array.isArray(ok)) return;
  const now = Date.now() / 1000;
  const readings = result as { fieldId: string; value: unknown; timestamp: number | null }[];
  expect(readings).toHaveLength(ok.length);
  for (const [index, expected] of (ok as RecordedReading[]).entries()) {
    const { fieldId, value, timestamp } = readings[index] ?? {};
    expect({ fieldId, value }).toEqual({ fieldId: expected.fieldId, value: expected.value });
    if (expected.timestampMinusNow === null) expect(timestamp).toBeNull();
    else expect(Math.abs((timestamp as number) - now - expected.timestampMinusNow)).toBeLessThanOrEqual(1.5);
  }
}

/** A request as the recordings have it: whole-second times become "T", and only the headers of the protocol stay. */
function withoutTimes({ method, path, headers, body }: SeenRequest) {
  const now = Math.floor(Date.now() / 1000);
  const time = (value: unknown): unknown =>
    Number.isInteger(value) && Math.abs((value as number) - now) < 60 ? 'T' : value;
  const names = ['x-device-id', 'x-api-key', ...(method === 'POST' ? ['content-type'] : [])];
  const json =
    body === '' ? null : (JSON.parse(body) as { clientTimestamp: unknown; entries: { timestamp: unknown }[] });
  return {
    method,
    path,
    headers: Object.fromEntries(names.map((name) => [name, headers[name]])),
    json: json && {
      ...json,
      clientTimestamp: time(json.clientTimestamp),
      entries: json.entries.map((entry) => ({ ...entry, timestamp: time(entry.timestamp) })),
    },
  };
}
