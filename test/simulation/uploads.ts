import { entryId, type QueuedEntry } from '../../src/core/model/entry.js';
import type { Answer, TransportRequest } from '../../src/core/ports/transport.js';
import { Isolation } from '../../src/core/push/isolation.js';
import type { Commit } from './ledger.js';
import type { Found } from './records.js';
import { foundIn, lookAnew, type Run } from './run.js';
import type { World } from './world.js';

/** No clock that is set shows a time before this, in Unix seconds; what is less than two seconds is no jump. */
const RELEASED = 1_793_491_200;
const JUMP_MS = 2000;
/** After bad luck, nothing is tried again by itself before this. */
const SHORTEST_PAUSE_MS = 299;

/** A body holds no ids, and two entries may be alike: what was chosen last is what is sent next. */
let chosen: readonly QueuedEntry[] = [];
const { next } = Isolation.prototype;
Isolation.prototype.next = function (...args) {
  const batch = next.apply(this, args);
  chosen = batch;
  return batch;
};

/** What crosses the network, compared with what must. */
export class Uploads {
  readonly #world: World;
  readonly #carried = new WeakMap<TransportRequest, Commit[]>();

  constructor(world: World) {
    this.#world = world;
  }

  /** A request leaves an `Api`. */
  sent(run: Run, request: TransportRequest): void {
    const { ledger, time } = this.#world;
    const { method, url, headers, body = '', keepalive = false } = request;
    this.#world.showed(url + body);
    if (headers['x-api-key'] !== run.key) ledger.accuse('I8', `a request has another key than ${run.key}`);
    if (!url.startsWith(run.binding.baseUrl)) ledger.accuse('I8', `a request with the key went to ${url}`);
    if (method !== 'POST') return;
    const carried = this.#read(run, body, keepalive ? undefined : chosen.map(entryId));
    this.#carried.set(request, carried);
    const ids = carried.map(({ id }) => id ?? '');
    this.#world.thefts.sent(run, ids);
    run.underWay.set(request, ids);
    run.inFlight = new Set([...run.underWay.values()].flat());
    if (keepalive) {
      this.#world.count('flush');
      if (Buffer.byteLength(body) > 60 * 1024) ledger.accuse('I7', 'more than 60 KiB outlive a page');
      return;
    }
    run.uploads += 1;
    if (run.uploads > 1) ledger.accuse('I7', `${run.uploads} uploads of one Api are under way at once`);
    const ofHost = this.#world.runs.filter(({ host, uploads }) => host === run.host && uploads > 0);
    // The first upload to a server never waits.
    const hasCompany = ofHost.some((other) => other !== run && other.binding.baseUrl === run.binding.baseUrl);
    if (hasCompany && ofHost.length > run.host.uploadsAtOnce)
      ledger.accuse('I7', `${ofHost.length} uploads of one page or process are under way at once`);
    if (time.monotonic < run.quietUntil)
      ledger.accuse('I7', `pushed by itself ${run.quietUntil - time.monotonic} ms too soon`);
    this.#world.network.isDead = ledger.isBroken;
  }

  /** The server stores what a request carries. */
  stored(run: Run, request: TransportRequest): void {
    const { ledger } = this.#world;
    if (request.headers['x-device-id'] !== run.binding.deviceId)
      ledger.accuse('I2', `a request went out for device ${request.headers['x-device-id']}`);
    for (const commit of this.#carried.get(request) ?? []) ledger.delivered(commit);
  }

  /** A request is answered, or given up. */
  ended(run: Run, request: TransportRequest, answer: Answer): void {
    if (request.method !== 'POST') return;
    if (!request.keepalive) run.uploads -= 1;
    lookAnew(run);
    run.underWay.delete(request);
    run.inFlight = new Set([...run.underWay.values()].flat());
    const carried = this.#carried.get(request) ?? [];
    const status = answer.received ? answer.status : 0;
    if (isStored(answer)) {
      run.hasAccepted = true;
      return;
    }
    const [alone] = carried;
    const isAlone = carried.length === 1 && alone !== undefined;
    const isOfSize = status >= 500 || (!answer.received && answer.reason === 'timeout');
    if (isAlone && [400, 413, 422].includes(status)) run.refusedAlone.add(alone.id ?? '');
    if (isAlone && ([400, 413, 422].includes(status) || isOfSize)) alone.mayComeLate = true;
    // After an entry that failed alone, a push goes on behind it.
    if (!request.keepalive && !(isAlone && isOfSize)) this.#beQuiet(run, request.headers['x-api-key'], answer);
  }

  /** A push by itself waits after bad luck, and does nothing more after refused credentials. */
  #beQuiet(run: Run, key: string | undefined, answer: Answer): void {
    const { autoPush } = this.#world.schedule;
    if (autoPush === false || (!answer.received && answer.reason === 'aborted')) return;
    const status = answer.received ? answer.status : 0;
    if ([400, 413, 422].includes(status)) return;
    const isHtml = answer.received && answer.body.startsWith('<');
    // A refused key says nothing about the one that has taken its place since.
    const isStopped = (status === 401 || status === 403) && !isHtml && key === run.key;
    const asked = answer.received && answer.retryAfter === '120' ? 120_000 : SHORTEST_PAUSE_MS;
    run.quietUntil = isStopped ? Number.POSITIVE_INFINITY : this.#world.time.monotonic + asked;
  }

  /** What is in a body must be of the queue, in its order, unaltered but for times; only what failed alone is passed by. */
  #read(run: Run, body: string, ids: readonly string[] | undefined): Commit[] {
    const { ledger, time } = this.#world;
    const { entries } = JSON.parse(body) as { entries: { timestamp: number; values: unknown }[] };
    const log = run.api.log().map((entry) => foundIn(entry, run));
    const found: Commit[] = [];
    const parts: string[] = [];
    let at = 0;
    for (const [index, { timestamp, values }] of entries.entries()) {
      const text = JSON.stringify(values);
      const isIt = ({ id, text: other }: Found): boolean => other === text && (ids === undefined || id === ids[index]);
      for (; at < log.length && !isIt(log[at] as Found); at++) this.#passedBy(run, log[at]?.id ?? '');
      const one = log[at];
      const commit = one && ledger.find(one, 'a request');
      if (commit === undefined) {
        const isKnown = log.some((other) => other.text === text);
        ledger.accuse(
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
    if (body !== expected) ledger.accuse('I2', `a body is ${body}, not ${expected}`);
    return found;
  }

  #passedBy(run: Run, id: string): void {
    const { ledger } = this.#world;
    // What leaves with a page passes by what has left already.
    if (!run.inFlight.has(id) && !ledger.byId(id)?.mayComeLate)
      ledger.accuse('I4', `${id} is passed by, though it never failed alone`);
  }

  /** The time of a commit by the clock of now, where a jump since can't have been a suspend. */
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
