import { cleanText } from '../../core/model/foreign-text.js';
import type { GatewayEvents, GatewayNews } from '../news.js';

/** A logger such as pino: an object and a line. */
export interface GatewayLogger {
  /** Logs each upload. */
  debug(fields: object, line: string): void;
  /** Logs the ordinary course. */
  info(fields: object, line: string): void;
  /** Logs what may need attention. */
  warn(fields: object, line: string): void;
  /** Logs alarms. */
  error(fields: object, line: string): void;
}

type Level = keyof GatewayLogger;

/** The events that are logged: uploads are counted by the metrics, and logged only for debugging. */
const LINES: { readonly [Name in keyof GatewayEvents]?: readonly [Level, string] } = {
  accepted: ['debug', 'accepted'],
  forwarded: ['debug', 'forwarded'],
  unacknowledged: ['warn', 'not acknowledged'],
  'upstream-away': ['warn', 'upstream is away'],
  quarantined: ['warn', 'quarantined'],
  parked: ['warn', 'parked'],
  unparked: ['info', 'unparked'],
  'key-checked': ['info', 'key checked'],
  connection: ['warn', 'connection'],
  alarm: ['error', 'alarm'],
};

/** An outage has thousands of equal lines. */
const MAX_PER_PERIOD = 60;
const PERIOD_MS = 60_000;

/** Logs the events of a gateway. Their fields have no headers, bodies or keys; texts are cleaned. @returns A function that ends it. */
export function logNews(news: GatewayNews, logger: GatewayLogger): () => void {
  const quotas = new Map<string, Quota>();
  const ends = (Object.keys(LINES) as (keyof GatewayEvents)[]).map((name) => {
    const [level, line] = LINES[name] ?? ['info', name];
    return news.on(name, (event) => {
      // Many alarms of one kind must not hide another.
      const kind = 'alarm' in event ? { event: name, alarm: event.alarm } : { event: name };
      const id = Object.values(kind).join(' ');
      const quota = quotas.get(id) ?? new Quota(logger, level, kind);
      quotas.set(id, quota);
      if (level !== 'debug' && !quota.take()) return;
      logger[level]({ event: name, ...cleaned(event) }, line);
    });
  });
  return () => {
    for (const end of ends) end();
    for (const quota of quotas.values()) quota.end();
  };
}

const cleaned = (event: object): object =>
  Object.fromEntries(
    Object.entries(event).map(([name, value]) => [name, typeof value === 'string' ? cleanText(value) : value]),
  );

/** The lines of one kind within a minute. */
class Quota {
  readonly #logger: GatewayLogger;
  readonly #level: Level;
  readonly #kind: object;
  #timer: NodeJS.Timeout | undefined;
  #used = 0;

  constructor(logger: GatewayLogger, level: Level, kind: object) {
    this.#logger = logger;
    this.#level = level;
    this.#kind = kind;
  }

  /** @returns Whether a line may be logged. The first one begins a minute. */
  take(): boolean {
    this.#timer ??= setTimeout(() => this.end(), PERIOD_MS).unref();
    this.#used += 1;
    return this.#used <= MAX_PER_PERIOD;
  }

  /** Ends the minute, and logs how many lines were left out. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const leftOut = this.#used - MAX_PER_PERIOD;
    this.#used = 0;
    if (leftOut > 0) this.#logger[this.#level]({ ...this.#kind, leftOut }, 'lines left out');
  }
}
