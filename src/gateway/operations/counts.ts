import { ALARMS, type GatewayNews } from '../news.js';

/** The sums of a counter by the value of its label; a counter without a label has one value. */
export class Tally {
  readonly #sums: Map<string, number>;

  /** @param values - The values that are known beforehand: they begin at 0, as an increase from nothing is not seen. */
  constructor(values: readonly string[] = []) {
    this.#sums = new Map(values.map((value) => [value, 0]));
  }

  add(value: string, count = 1): void {
    this.#sums.set(value, (this.#sums.get(value) ?? 0) + count);
  }

  [Symbol.iterator](): Iterator<[value: string, sum: number]> {
    return this.#sums[Symbol.iterator]();
  }
}

/** The values of a label that is absent. */
const NO_LABEL = [''];

/** Seconds. */
const BOUNDS = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10] as const;

/** How many durations were at most as long as each bound. */
export class Durations {
  /** Durations up to a bound that exceed the one before it. */
  readonly #counts = BOUNDS.map(() => 0);
  #count = 0;
  #sum = 0;

  add(seconds: number): void {
    this.#count += 1;
    this.#sum += seconds;
    const index = BOUNDS.findIndex((bound) => seconds <= bound);
    if (index >= 0) this.#counts[index] = (this.#counts[index] ?? 0) + 1;
  }

  get count(): number {
    return this.#count;
  }

  /** In seconds. */
  get sum(): number {
    return this.#sum;
  }

  /** The bounds in seconds, each with the number of durations up to it. */
  get buckets(): [bound: number, count: number][] {
    let sum = 0;
    return BOUNDS.map((bound, index) => {
      sum += this.#counts[index] ?? 0;
      return [bound, sum];
    });
  }
}

/** Counts the events of a gateway from its creation on, without a package for metrics. */
export class Counts {
  readonly acceptedUploads = new Tally(['true', 'false']);
  readonly acceptedEntries = new Tally(NO_LABEL);
  readonly acceptedBytes = new Tally(NO_LABEL);
  readonly rejectedRequests = new Tally();
  readonly unacknowledgedUploads = new Tally(NO_LABEL);
  readonly keyChecks = new Tally(['accepted', 'refused', 'unknown']);
  readonly forwardedEntries = new Tally(NO_LABEL);
  readonly quarantinedEntries = new Tally(NO_LABEL);
  readonly parked = new Tally(NO_LABEL);
  readonly unparked = new Tally(NO_LABEL);
  readonly alarms = new Tally(ALARMS);
  readonly acknowledging = new Durations();
  readonly stored = new Durations();
  readonly notStored = new Durations();
  #isConnected = true;

  constructor(news: GatewayNews) {
    this.#countUploads(news);
    this.#countForwarding(news);
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  #countUploads(news: GatewayNews): void {
    news.on('accepted', ({ isVerified, entries, bytes, milliseconds }) => {
      this.acceptedUploads.add(String(isVerified));
      this.acceptedEntries.add('', entries);
      this.acceptedBytes.add('', bytes);
      this.acknowledging.add(milliseconds / 1000);
    });
    news.on('rejected', ({ status }) => this.rejectedRequests.add(String(status)));
    news.on('unacknowledged', () => this.unacknowledgedUploads.add(''));
    news.on('key-checked', ({ outcome }) => this.keyChecks.add(outcome));
  }

  #countForwarding(news: GatewayNews): void {
    news.on('forwarded', ({ entries }) => this.forwardedEntries.add('', entries));
    news.on('quarantined', ({ entries }) => this.quarantinedEntries.add('', entries));
    news.on('parked', () => this.parked.add(''));
    news.on('unparked', () => this.unparked.add(''));
    news.on('upstream-answered', ({ isStored, milliseconds }) =>
      (isStored ? this.stored : this.notStored).add(milliseconds / 1000),
    );
    news.on('alarm', ({ alarm }) => this.alarms.add(alarm));
    news.on('connection', ({ isConnected }) => {
      this.#isConnected = isConnected;
    });
  }
}
