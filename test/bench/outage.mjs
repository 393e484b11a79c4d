import { Api, memoryStorage } from 'nikdev-iot';
import { row } from './compare.mjs';
import { commitTwo, credentials } from './data.mjs';

const DAY_SECONDS = 86_400;
const LINK_BYTES_PER_SECOND = 64_000 / 8;
const ROUND_TRIP_MS = 100;
/** The bytes of headers, TCP and TLS beside a body. */
const OVERHEAD_BYTES = 700;

/**
 * After an outage of a day in which two values a second were committed: how long until the server has a value that was
 * committed since the link came back. The link of 64 kbit/s and all time are simulated.
 */
export async function outage() {
  const oldest = await secondsUntilCurrent('oldest-first');
  const live = await secondsUntilCurrent('live-first');
  return [
    row('outage of a day, 64 kbit/s: current value at the server, oldest-first', seconds(oldest)),
    row('outage of a day, 64 kbit/s: current value at the server, live-first', seconds(live)),
    row('the same: everything at the server, oldest-first', seconds({ current: oldest.all })),
    row('the same: everything at the server, live-first', seconds({ current: live.all })),
  ];
}

const seconds = ({ current }) => `${current.toFixed(1)} s`;

async function secondsUntilCurrent(order) {
  const clock = new VirtualClock();
  const link = new Link(clock);
  const environment = new Environment();
  const options = { ...credentials, storage: memoryStorage(), autoPush: true, order };
  const api = new Api(options, { clock, transport: link, environment });
  let count = 0;
  const second = async () => {
    commitTwo(api, count++);
    await clock.advance(1000);
  };
  while (count < DAY_SECONDS) await second();
  const back = clock.now();
  link.isUp = true;
  environment.goOnline();
  const found = {};
  while (found.all === undefined) {
    await second();
    for (const { at, timestamps } of link.stored.splice(0))
      if (timestamps.some((timestamp) => timestamp * 1000 >= back)) found.current ??= (at - back) / 1000;
    if (api.status().committed < 30) found.all = (clock.now() - back) / 1000;
  }
  await api.close();
  return found;
}

class VirtualClock {
  #now = 1_795_349_662_000;
  #timers = new Set();

  now() {
    return this.#now;
  }

  monotonic() {
    return this.#now;
  }

  random() {
    return 0.5;
  }

  setTimer(run, milliseconds) {
    const timer = { due: this.#now + milliseconds, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  async advance(milliseconds) {
    const until = this.#now + milliseconds;
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      this.#timers.delete(next);
      this.#now = Math.max(next.due, this.#now);
      next.run();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#now = until;
  }

  #next(until) {
    let next;
    for (const timer of this.#timers) if (timer.due <= until && !(next?.due <= timer.due)) next = timer;
    return next;
  }
}

/** Carries one request after the other. */
class Link {
  isUp = false;
  stored = [];
  #clock;

  constructor(clock) {
    this.#clock = clock;
  }

  send({ body = '', timeoutSeconds }) {
    const milliseconds = ((body.length + OVERHEAD_BYTES) / LINK_BYTES_PER_SECOND) * 1000 + ROUND_TRIP_MS;
    const isLate = milliseconds > timeoutSeconds * 1000;
    const answer = new Promise((resolve) => {
      if (!this.isUp) resolve({ received: false, reason: 'unreachable', code: 'ENETUNREACH' });
      else
        this.#clock.setTimer(() => resolve(this.#answer(body, isLate)), isLate ? timeoutSeconds * 1000 : milliseconds);
    });
    return { answer, abort() {} };
  }

  #answer(body, isLate) {
    if (isLate) return { received: false, reason: 'timeout' };
    const timestamps = JSON.parse(body).entries.map(({ timestamp }) => timestamp);
    this.stored.push({ at: this.#clock.now(), timestamps });
    const headers = { contentType: 'application/json', retryAfter: undefined, date: undefined };
    return { received: true, status: 200, body: '{"data":{}}', ...headers };
  }
}

class Environment {
  isOnline = true;
  isHidden = false;
  keepalive = { bytesLeft: 0, reserve: () => () => {} };
  uploads = { open: () => ({ take: () => undefined, release() {} }) };
  #listener = () => {};

  subscribe(listener) {
    this.#listener = listener;
    return () => {};
  }

  goOnline() {
    this.#listener('online');
  }
}
