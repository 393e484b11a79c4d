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
const MAX_PER_MINUTE = 60;

/** Logs the events of a gateway. Their fields have no headers, bodies or keys; texts are cleaned. @returns A function that ends it. */
export function logNews(news: GatewayNews, logger: GatewayLogger): () => void {
  const ends = (Object.keys(LINES) as (keyof GatewayEvents)[]).map((name) => {
    const [level, line] = LINES[name] ?? ['info', name];
    const quota = new Quota();
    return news.on(name, (event) => {
      if (level !== 'debug' && !quota.take()) return;
      logger[level]({ event: name, ...cleaned(event) }, line);
    });
  });
  return () => {
    for (const end of ends) end();
  };
}

const cleaned = (event: object): object =>
  Object.fromEntries(
    Object.entries(event).map(([name, value]) => [name, typeof value === 'string' ? cleanText(value) : value]),
  );

class Quota {
  #minute = 0;
  #used = 0;

  take(): boolean {
    const minute = Math.floor(performance.now() / 60_000);
    if (minute !== this.#minute) [this.#minute, this.#used] = [minute, 0];
    this.#used += 1;
    return this.#used <= MAX_PER_MINUTE;
  }
}
