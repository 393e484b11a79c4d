import { entryId } from '../../src/core/model/entry.js';
import { decodeEntryIds, ENTRY_IDS } from '../../src/core/model/entry-ids.js';
import type { Answer, TransportRequest } from '../../src/core/ports/transport.js';
import { BatchPlanner } from '../support/internals.js';
import type { LaneName } from './lane-model.js';
import type { Commit } from './model.js';
import type { Meaning } from './push-model.js';
import { foundEntry, invalidateSeen, type Plan, type Run, writerOf } from './run.js';
import { namesEntries } from './schedule.js';
import type { FoundEntry } from './storage-contents.js';
import type { World } from './world.js';

/** A wall clock before this, in Unix seconds, was never set; a change of less than 2 s is not a jump. */
const RELEASED = 1_793_491_200;
const JUMP_MS = 2000;
/** The shortest backoff after a transient failure. */
const MIN_BACKOFF_MS = 299;

/** The time between the end of a push and a push for an urgent entry, at least. */
const MIN_URGENT_GAP_MS = 5000;

/** The delay after a rejected push, at least. */
const MIN_REJECTED_RETRY_MS = 900_000;

/** The last plan is the batch that is sent next: a body contains no ids, and two entries may be equal. */
let planned: Plan = { batch: [], push: 0 };
/** The number of pushes so far, over all runs. */
let pushes = 0;
const pushOf = new WeakMap<BatchPlanner, number>();
/** More batches than any push needs: a push that plans more makes no progress, and would never end. */
const MAX_BATCHES = 2000;
/** The number of batches of the last push of each planner. */
const batches = new WeakMap<BatchPlanner, number>();
/** Called when a push plans batches without end. */
let onEndlessPush = (): void => {};
const { begin, next } = BatchPlanner.prototype;
BatchPlanner.prototype.begin = function (...args) {
  pushes += 1;
  pushOf.set(this, pushes);
  batches.set(this, 0);
  begin.apply(this, args);
};
BatchPlanner.prototype.next = function (...args) {
  const count = (batches.get(this) ?? 0) + 1;
  batches.set(this, count);
  if (count > MAX_BATCHES) {
    onEndlessPush();
    throw new Error('A push does not end');
  }
  const batch = next.apply(this, args);
  planned = { batch, push: pushOf.get(this) ?? planned.push };
  return batch;
};

/** The batch that was planned last, and is compressed now. */
export const lastPlan = (): Plan => planned;

/** Checks the requests that cross the network. */
export class Uploads {
  readonly #world: World;
  readonly #carried = new WeakMap<TransportRequest, { readonly commit: Commit; readonly lane: LaneName }[]>();
  /** The commits that a server that honours `x-entry-ids` has stored, by their names. */
  readonly #byName = new Map<string, Commit>();
  readonly #names = new Map<Commit, string>();
  /** The entries of the unload requests of this task. */
  readonly #unloaded = new Set<Commit>();

  constructor(world: World) {
    this.#world = world;
    onEndlessPush = () => world.model.reportViolation('I7', `a push planned more than ${MAX_BATCHES} batches`);
  }

  /** A request leaves an `Api`. */
  sent(run: Run, request: TransportRequest): void {
    const { model, time } = this.#world;
    const { method, url, headers, body = '', keepalive = false } = request;
    this.#world.showed(url + body);
    if (headers['x-api-key'] !== run.key) model.reportViolation('I8', `a request has another key than ${run.key}`);
    if (!url.startsWith(run.destination.baseUrl)) model.reportViolation('I8', `a request with the key went to ${url}`);
    if (method !== 'POST') return;
    this.#whileHeld(run);
    const { lanes } = this.#world;
    const plan = run.planned ?? planned;
    const repeated = keepalive ? undefined : this.#encoded(run, request, plan.push);
    const carrying =
      this.#carried.get(repeated ?? request) ??
      this.#read(run, body, keepalive ? undefined : plan.batch.map(entryId)).map((commit) => ({
        commit,
        lane: lanes.laneOf(run, commit),
      }));
    const carried = carrying.map(({ commit }) => commit);
    this.#carried.set(request, carrying);
    if (carrying.some(({ lane }) => lane === 'backlog')) this.#passOthers(run);
    for (const commit of carried)
      if (!repeated && !run.inFlight.has(commit.id ?? '') && lanes.isExpired(run, commit, true))
        model.reportViolation('I7', `${commit.id} is sent, though it has expired`);
    const ids = carried.map(({ id }) => id ?? '');
    this.#world.ownership.sent(run, ids);
    // Entries whose rejection is being confirmed are still in flight.
    run.inFlightRequests.set(request, ids.length > 0 ? ids : run.pushModel.unconfirmed);
    run.inFlight = new Set([...run.inFlightRequests.values()].flat());
    if (keepalive) {
      this.#world.count('flush');
      this.#unload(carried);
      if (Buffer.byteLength(body) > 60 * 1024)
        model.reportViolation('I7', 'more than 60 KiB are in requests that outlive a page');
      return;
    }
    run.uploads += 1;
    if (run.uploads > 1) model.reportViolation('I7', `${run.uploads} uploads of one Api are in flight at once`);
    const ofHost = this.#world.runs.filter(({ host, uploads }) => host === run.host && uploads > 0);
    // The first upload to a server never waits.
    const hasCompany = ofHost.some((other) => other !== run && other.destination.baseUrl === run.destination.baseUrl);
    if (hasCompany && ofHost.length > run.host.uploadsAtOnce)
      model.reportViolation('I7', `${ofHost.length} uploads of one page or process are in flight at once`);
    const push = ids.length === 0 ? run.pushModel.push : plan.push;
    if (push !== run.pushModel.push && time.monotonic < run.pausedUntil)
      model.reportViolation('I7', `an automatic push started ${run.pausedUntil - time.monotonic} ms too soon`);
    const reason = run.pushModel.sent(push, ids);
    if (reason !== undefined) model.reportViolation('I7', reason);
    if (ids.length > 0 && !repeated)
      lanes.sent(
        run,
        push,
        ids,
        run.api.log().map(({ id }) => id),
      );
    this.#world.network.isDead = model.hasViolation;
  }

  /** While everything automatic is on hold, only calls of the application send anything. */
  #whileHeld(run: Run): void {
    if (!run.isHeld) return;
    if (run.pushes.size > 0) this.#world.count('pushed by hand while paused');
    else this.#world.model.reportViolation('I7', 'a request is sent while everything automatic is paused');
  }

  /** @returns The compressed upload that a request repeats. */
  #encoded(run: Run, request: TransportRequest, push: number): TransportRequest | undefined {
    const repeated = run.encoding.sent(request, push);
    if (repeated === undefined) return undefined;
    if (typeof repeated === 'string') this.#world.model.reportViolation('I7', repeated);
    else this.#world.count('repeated plainly');
    return typeof repeated === 'string' ? undefined : repeated;
  }

  /** The backlog is sent: entries that are in another lane now may be sent after it, as backlog themselves. */
  #passOthers(run: Run): void {
    const { model, lanes, schedule } = this.#world;
    if (schedule.order !== 'live-first') return;
    for (const { id } of run.api.log()) {
      const queued = model.byId(id);
      if (queued && lanes.laneOf(run, queued) !== 'backlog') queued.wasPassed = true;
    }
  }

  /** Unload requests of one task race each other. */
  #unload(carried: readonly Commit[]): void {
    for (const commit of this.#unloaded) commit.mayComeLate = true;
    for (const commit of carried) this.#unloaded.add(commit);
    queueMicrotask(() => this.#unloaded.clear());
  }

  /** The server stores what a request carries. */
  stored(run: Run, request: TransportRequest): void {
    const { model } = this.#world;
    if (request.headers['x-device-id'] !== run.destination.deviceId)
      model.reportViolation('I2', `a request went out for device ${request.headers['x-device-id']}`);
    const carried = this.#carried.get(request) ?? [];
    this.#storedByName(
      run,
      request,
      carried.map(({ commit }) => commit),
    );
    for (const { commit, lane } of carried) model.delivered(commit, lane);
  }

  /** A server that honours `x-entry-ids` stores an entry of a writer and sequence once: each commit under one name of its own. */
  #storedByName(run: Run, { headers }: TransportRequest, carried: readonly Commit[]): void {
    const { model, schedule } = this.#world;
    const header = headers[ENTRY_IDS];
    if (header === undefined) {
      if (namesEntries(schedule)) model.reportViolation('I2', 'a request does not name its entries');
      return;
    }
    const ids = decodeEntryIds(header, carried.length);
    if (ids === undefined) model.reportViolation('I2', `${header} does not name ${carried.length} entries`);
    for (const [index, { writer, sequence }] of (ids ?? []).entries()) {
      const [name, commit] = [`${run.destinationText}/${writer}/${sequence}`, carried[index] as Commit];
      const known = this.#byName.get(name);
      if (known !== undefined && known !== commit && known.text !== commit.text)
        model.reportViolation('I1', `${commit.id} is taken for ${known.id}, and not stored: both are named ${name}`);
      if (known === commit) this.#world.count('stored once, by its name');
      const other = this.#names.get(commit);
      if (other !== undefined && other !== name && !commit.isRestored)
        model.reportViolation('I2', `${commit.id} is stored twice: as ${other} and as ${name}`);
      this.#byName.set(name, commit);
      this.#names.set(commit, name);
    }
  }

  /** A request is answered, or given up. */
  ended(run: Run, request: TransportRequest, answer: Answer): void {
    if (request.method !== 'POST') return;
    if (!request.keepalive) run.uploads -= 1;
    invalidateSeen(run);
    run.inFlightRequests.delete(request);
    run.inFlight = new Set([...run.inFlightRequests.values()].flat());
    const carried = this.#carried.get(request) ?? [];
    if (request.keepalive) return;
    const ids = carried.map(({ commit }) => commit.id ?? '');
    const meaning = meaningOf(answer, request.headers['x-api-key'] === run.key);
    const wasPlain = run.encoding.isPlain;
    const isJudged = run.encoding.ended(request, meaning, run.planned?.push ?? 0);
    if (run.encoding.isPlain && !wasPlain) this.#world.count('stays plain');
    if (!isJudged) return;
    if (meaning === 'stored' && ids.length > 0) this.#world.lanes.stored(run);
    const judged = ids.length > 0 ? ids : run.pushModel.unconfirmed;
    run.pushModel.ended(ids, meaning, isRejection(answer), this.#world.time.monotonic);
    for (const id of judged) {
      const commit = this.#world.model.byId(id);
      if (commit && run.pushModel.maySkip(id)) commit.mayComeLate = true;
    }
    this.#expectPause(run, judged, meaning, answer);
  }

  /** Automatic pushing pauses after a failure that ends a push, and stops after refused credentials. */
  #expectPause(run: Run, ids: readonly string[], meaning: Meaning, answer: Answer): void {
    const { schedule, time } = this.#world;
    if (schedule.autoPush === false) return;
    if (meaning === 'stored') run.pausedUntil = Number.NEGATIVE_INFINITY;
    // After an entry that may be skipped the push goes on, and may store the others.
    const [id] = ids;
    if (!run.pushModel.isOver || (ids.length === 1 && id !== undefined && run.pushModel.maySkip(id))) return;
    const asked = answer.received && answer.retryAfter === '120' ? 120_000 : MIN_BACKOFF_MS;
    const pause = isRejection(answer) ? MIN_REJECTED_RETRY_MS : asked;
    run.pausedUntil = run.pushModel.isConfirmed ? Number.POSITIVE_INFINITY : time.monotonic + pause;
    run.urgentFrom = time.monotonic + Math.max(asked, MIN_URGENT_GAP_MS);
    if (run.api.log().some(({ id: queued }) => this.#world.model.byId(queued)?.own?.isUrgent)) this.urgent(run);
  }

  /** An urgent commit brings the next automatic push forward, unless the credentials were refused. */
  urgent(run: Run): void {
    if (run.pausedUntil < Number.POSITIVE_INFINITY) run.pausedUntil = Math.min(run.pausedUntil, run.urgentFrom);
  }

  /** A body holds entries of the queue, in order, unaltered but for corrected times; only entries that failed in requests of their own are skipped. */
  #read(run: Run, body: string, ids: readonly string[] | undefined): Commit[] {
    const { model, time } = this.#world;
    const { entries } = JSON.parse(body) as { entries: { timestamp: number; values: unknown }[] };
    const queue = run.api.log().map((entry) => foundEntry(entry, run));
    const log = this.#world.lanes.inOrder(run, queue, ids);
    const found: Commit[] = [];
    const parts: string[] = [];
    let at = 0;
    for (const [index, { timestamp, values }] of entries.entries()) {
      const text = JSON.stringify(values);
      const isEntry = ({ id, text: other }: FoundEntry): boolean =>
        other === text && (ids === undefined || id === ids[index]);
      const from = at;
      while (at < log.length && !isEntry(log[at] as FoundEntry)) at += 1;
      const one = log[at];
      if (one) for (const { id } of log.slice(from, at)) this.#skipped(run, id, one.id);
      const commit = one && model.find(one, 'a request');
      if (commit === undefined) {
        const isKnown = queue.some((other) => other.text === text);
        model.reportViolation(
          isKnown ? 'I4' : 'I2',
          `a body holds ${timestamp} ${text}, ${isKnown ? 'too late' : 'not queued'}`,
        );
        return found;
      }
      at += 1;
      found.push(commit);
      parts.push(`{"timestamp":${this.timeOf(commit, run)},"values":${commit.text}}`);
    }
    const expected = `{"clientTimestamp":${Math.floor(time.wall / 1000)},"entries":[${parts.join()}]}`;
    if (body !== expected) model.reportViolation('I2', `a body is ${body}, not ${expected}`);
    return found;
  }

  #skipped(run: Run, id: string, sent: string): void {
    const { model } = this.#world;
    // An entry with strikes is tried before the last request, and entries adopted since stand before it.
    if (run.pushModel.maySkip(sent) && writerOf(sent) !== writerOf(id)) return;
    // An unload request skips the entries in flight, and those of the requests before it in the same task.
    const commit = model.byId(id);
    const isSent = run.inFlight.has(id) || (commit !== undefined && this.#unloaded.has(commit));
    if (!isSent && !run.pushModel.maySkip(id))
      model.reportViolation(
        'I4',
        `${id} is skipped, though it failed in a request of its own in less than three pushes`,
      );
  }

  /** The time of a commit, corrected by the current clock where a jump since then can't have been a suspend. */
  timeOf({ clock, timestamp }: Commit, run: Run): number {
    const { time } = this.#world;
    if (clock?.by !== run) return timestamp;
    const jump = time.wall - time.monotonic - clock.ahead;
    const wasSet = jump > JUMP_MS && timestamp < RELEASED && time.wall >= RELEASED * 1000;
    const isMoved = jump < -JUMP_MS || wasSet;
    return isMoved ? Math.max(0, timestamp + Math.round(jump / 1000)) : timestamp;
  }
}

/** @param isOfThisKey - Whether the key of the request has not been replaced since. */
function meaningOf(answer: Answer, isOfThisKey: boolean): Meaning {
  if (!answer.received) {
    if (answer.reason === 'aborted') return 'aborted';
    return ['timeout', 'cut-off', 'interrupted'].includes(answer.reason) ? 'failed' : 'transient';
  }
  const { status } = answer;
  const isHtml = answer.body.startsWith('<');
  if ([408, 425, 429].includes(status)) return 'transient';
  if (status === 413 || (!isHtml && [400, 422].includes(status))) return 'refused';
  if (!isHtml && (status === 401 || status === 403)) return isOfThisKey ? 'unauthorized' : 'transient';
  if (status >= 400 && status < 600) return 'failed';
  return !isHtml && [200, 201, 202, 204].includes(status) ? 'stored' : 'transient';
}

/** Whether the server itself rejects a request, rather than being down. */
const isRejection = (answer: Answer): boolean =>
  answer.received && meaningOf(answer, true) === 'failed' && answer.status < 500 && !answer.body.startsWith('<');
