import { entryId, type QueuedEntry } from '../../src/core/model/entry.js';
import type { Answer, TransportRequest } from '../../src/core/ports/transport.js';
import { Isolation } from '../support/internals.js';
import type { Commit } from './model.js';
import { foundEntry, invalidateSeen, type Run } from './run.js';
import type { FoundEntry } from './storage-contents.js';
import type { World } from './world.js';

/** A wall clock before this, in Unix seconds, was never set; a change of less than 2 s is not a jump. */
const RELEASED = 1_793_491_200;
const JUMP_MS = 2000;
/** The shortest backoff after a transient failure. */
const MIN_BACKOFF_MS = 299;

/** The batch chosen last, which is sent next: a body contains no ids, and two entries may be equal. */
let chosen: readonly QueuedEntry[] = [];
const { next } = Isolation.prototype;
Isolation.prototype.next = function (...args) {
  const batch = next.apply(this, args);
  chosen = batch;
  return batch;
};

/** Checks the requests that cross the network. */
export class Uploads {
  readonly #world: World;
  readonly #carried = new WeakMap<TransportRequest, Commit[]>();

  constructor(world: World) {
    this.#world = world;
  }

  /** A request leaves an `Api`. */
  sent(run: Run, request: TransportRequest): void {
    const { model, time } = this.#world;
    const { method, url, headers, body = '', keepalive = false } = request;
    this.#world.showed(url + body);
    if (headers['x-api-key'] !== run.key) model.reportViolation('I8', `a request has another key than ${run.key}`);
    if (!url.startsWith(run.binding.baseUrl)) model.reportViolation('I8', `a request with the key went to ${url}`);
    if (method !== 'POST') return;
    const carried = this.#read(run, body, keepalive ? undefined : chosen.map(entryId));
    this.#carried.set(request, carried);
    const ids = carried.map(({ id }) => id ?? '');
    this.#world.ownership.sent(run, ids);
    run.inFlightRequests.set(request, ids);
    run.inFlight = new Set([...run.inFlightRequests.values()].flat());
    if (keepalive) {
      this.#world.count('flush');
      if (Buffer.byteLength(body) > 60 * 1024)
        model.reportViolation('I7', 'more than 60 KiB are in requests that outlive a page');
      return;
    }
    run.uploads += 1;
    if (run.uploads > 1) model.reportViolation('I7', `${run.uploads} uploads of one Api are in flight at once`);
    const ofHost = this.#world.runs.filter(({ host, uploads }) => host === run.host && uploads > 0);
    // The first upload to a server never waits.
    const hasCompany = ofHost.some((other) => other !== run && other.binding.baseUrl === run.binding.baseUrl);
    if (hasCompany && ofHost.length > run.host.uploadsAtOnce)
      model.reportViolation('I7', `${ofHost.length} uploads of one page or process are in flight at once`);
    if (time.monotonic < run.pausedUntil)
      model.reportViolation('I7', `an automatic push started ${run.pausedUntil - time.monotonic} ms too soon`);
    this.#world.network.isDead = model.hasViolation;
  }

  /** The server stores what a request carries. */
  stored(run: Run, request: TransportRequest): void {
    const { model } = this.#world;
    if (request.headers['x-device-id'] !== run.binding.deviceId)
      model.reportViolation('I2', `a request went out for device ${request.headers['x-device-id']}`);
    for (const commit of this.#carried.get(request) ?? []) model.delivered(commit);
  }

  /** A request is answered, or given up. */
  ended(run: Run, request: TransportRequest, answer: Answer): void {
    if (request.method !== 'POST') return;
    if (!request.keepalive) run.uploads -= 1;
    invalidateSeen(run);
    run.inFlightRequests.delete(request);
    run.inFlight = new Set([...run.inFlightRequests.values()].flat());
    const carried = this.#carried.get(request) ?? [];
    const status = answer.received ? answer.status : 0;
    if (isStored(answer)) {
      run.hasAccepted = true;
      return;
    }
    const [only] = carried;
    const isSingle = carried.length === 1 && only !== undefined;
    const mayBeSize = status >= 500 || (!answer.received && answer.reason === 'timeout');
    if (isSingle && [400, 413, 422].includes(status)) run.refusedAlone.add(only.id ?? '');
    if (isSingle && ([400, 413, 422].includes(status) || mayBeSize)) only.mayComeLate = true;
    // After an entry failed in a request of its own, a push goes on behind it.
    if (!request.keepalive && !(isSingle && mayBeSize)) this.#expectPause(run, request.headers['x-api-key'], answer);
  }

  /** Automatic pushing pauses after a transient failure, and stops after refused credentials. */
  #expectPause(run: Run, key: string | undefined, answer: Answer): void {
    const { autoPush } = this.#world.schedule;
    if (autoPush === false || (!answer.received && answer.reason === 'aborted')) return;
    const status = answer.received ? answer.status : 0;
    if ([400, 413, 422].includes(status)) return;
    const isHtml = answer.received && answer.body.startsWith('<');
    // A refused key says nothing about the key that has replaced it since.
    const isStopped = (status === 401 || status === 403) && !isHtml && key === run.key;
    const asked = answer.received && answer.retryAfter === '120' ? 120_000 : MIN_BACKOFF_MS;
    run.pausedUntil = isStopped ? Number.POSITIVE_INFINITY : this.#world.time.monotonic + asked;
  }

  /** A body holds entries of the queue, in order, unaltered but for corrected times; only entries that failed on their own are skipped. */
  #read(run: Run, body: string, ids: readonly string[] | undefined): Commit[] {
    const { model, time } = this.#world;
    const { entries } = JSON.parse(body) as { entries: { timestamp: number; values: unknown }[] };
    const log = run.api.log().map((entry) => foundEntry(entry, run));
    const found: Commit[] = [];
    const parts: string[] = [];
    let at = 0;
    for (const [index, { timestamp, values }] of entries.entries()) {
      const text = JSON.stringify(values);
      const isEntry = ({ id, text: other }: FoundEntry): boolean =>
        other === text && (ids === undefined || id === ids[index]);
      for (; at < log.length && !isEntry(log[at] as FoundEntry); at++) this.#skipped(run, log[at]?.id ?? '');
      const one = log[at];
      const commit = one && model.find(one, 'a request');
      if (commit === undefined) {
        const isKnown = log.some((other) => other.text === text);
        model.reportViolation(
          isKnown ? 'I4' : 'I2',
          `a body holds ${timestamp} ${text}, ${isKnown ? 'too late' : 'not queued'}`,
        );
        return found;
      }
      at += 1;
      found.push(commit);
      parts.push(`{"timestamp":${this.#timeOf(commit, run)},"values":${commit.text}}`);
    }
    const expected = `{"clientTimestamp":${Math.floor(time.wall / 1000)},"entries":[${parts.join()}]}`;
    if (body !== expected) model.reportViolation('I2', `a body is ${body}, not ${expected}`);
    return found;
  }

  #skipped(run: Run, id: string): void {
    const { model } = this.#world;
    // An unload request skips the entries in flight.
    if (!run.inFlight.has(id) && !model.byId(id)?.mayComeLate)
      model.reportViolation('I4', `${id} is skipped, though it never failed on its own`);
  }

  /** The time of a commit, corrected by the current clock where a jump since then can't have been a suspend. */
  #timeOf({ clock, timestamp }: Commit, run: Run): number {
    const { time } = this.#world;
    if (clock?.by !== run) return timestamp;
    const jump = time.wall - time.monotonic - clock.ahead;
    const wasSet = jump > JUMP_MS && timestamp < RELEASED && time.wall >= RELEASED * 1000;
    const isMoved = jump < -JUMP_MS || wasSet;
    return isMoved ? Math.max(0, timestamp + Math.round(jump / 1000)) : timestamp;
  }
}

function isStored(answer: Answer): boolean {
  return answer.received && [200, 201, 202, 204].includes(answer.status) && !answer.body.startsWith('<');
}
