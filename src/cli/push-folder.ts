import type { Api, PushException } from '../index.js';
import { type Call, textOf } from './command.js';
import { type Committed, countDiscards, inWords } from './commit.js';
import type { Credentials } from './config/settings.js';
import { CommandException, EXIT, type ExitCode } from './exit.js';
import type { FailureKind, PushState } from './folder/push-state.js';
import { type Session, withPushing } from './folder-session.js';
import { parseDuration } from './option-values.js';
import { failureOf, isTransient, report } from './report.js';
import { plural } from './words.js';

/** Pushes of one call back to back, to find the entry that makes requests fail: a call has no later pushes. */
const MAX_SEARCH = 12;
/** From this many failures in a row on, an entry may be at fault. */
const SEARCH_FROM = 2;

/** The result of a push, for programs. */
interface Pushed {
  pushed: number;
  requests: number;
  quarantined: number;
  /** Entries that were too old. */
  expired: number;
  /** Entries that still wait. */
  committed: number;
}

/** The sums of a push, without what still waits. */
export type Sums = Readonly<Omit<Pushed, 'committed'>>;

const NOTHING: Sums = { pushed: 0, requests: 0, quarantined: 0, expired: 0 };

/** The results of the same call before its push. */
interface Before {
  readonly committed?: Committed;
  readonly pushed?: Sums;
}

export async function pushFolder(call: Call, { committed, pushed }: Before = {}): Promise<ExitCode> {
  const { isJson, out } = call;
  const wait = textOf(call, 'wait');
  const seconds = wait === undefined ? 0 : parseDuration(wait, '--wait');
  if (committed !== undefined && !isJson) out.line(inWords(committed));
  try {
    const { result, failure } = await pushAll(call, seconds, pushed);
    return show(call, { ...committed, ...result }, failure);
  } catch (error) {
    if (committed === undefined || !isJson) throw error;
    // The id of the commit stays in the output.
    out.json({ ...committed, ...pushed, error: failureOf(error) });
    return report(error, { ...call, isJson: false });
  }
}

/** Pushes a full queue, so that the next commit finds space. A failure is shown. */
export async function pushForRoom(call: Call): Promise<Sums> {
  const {
    result: { committed, ...sums },
    failure,
  } = await pushAll(call, 0);
  if (failure !== undefined) report(failure, { ...call, isJson: false });
  return sums;
}

const pushAll = (
  call: Call,
  seconds: number,
  before: Sums = NOTHING,
): Promise<{ readonly result: Pushed; readonly failure: unknown }> =>
  withPushing(call, async ({ api, folder }) => {
    const result: Pushed = { ...before, committed: 0 };
    const discards = countDiscards(api, call.err);
    const failure = await pushUntil(call, { api, folder }, seconds, result);
    discards.stop();
    result.expired += discards.count;
    result.committed = api.status().committed;
    return { result, failure };
  });

async function pushUntil(call: Call, { api, folder }: Session, seconds: number, result: Pushed): Promise<unknown> {
  const state = folder.pushState;
  const settings = call.settings();
  const stops = [keepPushes(api, state), countPushes(api, result)];
  const until = Date.now() + seconds * 1000;
  let failure: PushException | undefined;
  try {
    for (;;) {
      if (api.status().committed === 0) return undefined;
      const dueAt = failure === undefined && call.options['now'] === true ? undefined : state.dueAt(settings);
      if (dueAt !== undefined && dueAt * 1000 > until) return failure ?? notDue(dueAt, state);
      if (dueAt !== undefined) await new Promise((resolve) => setTimeout(resolve, dueAt * 1000 - Date.now()));
      failure = await pushOnce(api, state, settings);
      if (failure === undefined) return undefined;
      if (!isTransient(failure) || Date.now() >= until) return failure;
    }
  } finally {
    for (const stop of stops) stop();
  }
}

/** Keeps the results of pushes in the folder. @returns A function that stops. */
export function keepPushes(api: Api, state: PushState): () => void {
  return api.on('push', ({ entries, requests, milliseconds }) => {
    state.record({ lastPush: { entries, requests, milliseconds, at: Math.floor(Date.now() / 1000) } });
  });
}

function countPushes(api: Api, result: Pushed): () => void {
  const stops = [
    api.on('push', ({ entries, requests }) => {
      result.pushed += entries;
      result.requests += requests;
    }),
    api.on('quarantine', ({ entries }) => {
      result.quarantined += entries.length;
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

async function pushOnce(api: Api, state: PushState, credentials: Credentials): Promise<PushException | undefined> {
  let failure = await tryPush(api);
  if (failure !== undefined && state.failures + 1 >= SEARCH_FROM) failure = await search(api, failure);
  if (failure === undefined) state.removeFailure();
  else keepFailure(state, failure, credentials);
  return failure;
}

async function tryPush(api: Api): Promise<PushException | undefined> {
  try {
    await api.push();
    return undefined;
  } catch (error) {
    if ((error as Error).name === 'PushException') return error as PushException;
    throw error;
  }
}

/** Repeats the push while the server accepts an upload without entries, which shows that entries are at fault. */
async function search(api: Api, first: PushException): Promise<PushException | undefined> {
  let failure: PushException | undefined = first;
  if (first.retryAfter !== undefined || (await api.testConnection()).canWrite !== true) return failure;
  for (let count = 0; count < MAX_SEARCH && failure !== undefined && failure.retryAfter === undefined; count++) {
    failure = await tryPush(api);
  }
  return failure;
}

/** Remembers a failure, and when the next push is due. */
export function keepFailure(state: PushState, exception: PushException, credentials: Credentials): void {
  const { name, status, retryAfter } = exception;
  const { message, advice } = failureOf(exception);
  const kept = { name, message, advice, status, retryAfter };
  state.record({ failure: { kind: kindOf(exception), exception: kept, credentials } });
}

/** The statuses with which a server refuses the content of a request. */
const OF_CONTENT: ReadonlySet<number | undefined> = new Set([400, 413, 422]);

function kindOf(exception: PushException): FailureKind {
  if (isTransient(exception)) return 'transient';
  return OF_CONTENT.has(exception.status) ? 'invalid-entries' : 'rejected';
}

/** @param advice - The way to push earlier. */
export function notDue(dueAt: number, state: PushState, advice = '--now pushes at once.'): CommandException {
  const seconds = Math.max(1, Math.round(dueAt - Date.now() / 1000));
  const { message = '' } = state.lastException ?? {};
  return new CommandException(`the next push is due in ${seconds} s: ${message}`, {
    exitCode: EXIT.temporary,
    advice: `Everything is kept. ${advice}`,
  });
}

function show(call: Call, result: Pushed & Committed, failure: unknown): ExitCode {
  const { isJson, out, err } = call;
  if (isJson) out.json(failure === undefined ? result : { ...result, error: failureOf(failure) });
  else if (failure === undefined || result.pushed > 0) out.line(pushedInWords(result));
  const code = failure === undefined ? EXIT.ok : report(failure, { isJson: false, out, err });
  if (failure !== undefined && !isJson) err.line(`${plural(result.committed, 'entry', 'entries')} still queued.`);
  if (result.quarantined === 0) return code;
  err.line(`${plural(result.quarantined, 'entry', 'entries')} quarantined: see nikdev-iot quarantine.`, 'warn');
  return code === EXIT.temporary ? code : EXIT.refused;
}

const pushedInWords = ({ pushed, requests }: Pushed): string =>
  pushed === 0
    ? 'Everything up-to-date.'
    : `Pushed ${plural(pushed, 'entry', 'entries')} in ${plural(requests, 'request')}.`;
