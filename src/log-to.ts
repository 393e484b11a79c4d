import type { Api } from './api.js';
import type { LogLevel } from './core/model/events.js';
import { ConfigException } from './core/model/exceptions.js';
import type { FieldDefinitions } from './core/model/fields.js';
import { kindOf } from './core/model/input.js';
import { oneOf, ownObject } from './core/model/schema.js';
import { logEvents } from './core/notify/log.js';
import { checkOptions, flag } from './core/options/call-options.js';

/**
 * A logger, such as the `console`, or one of pino or winston: each method takes one line of text.
 *
 * @group Types of the platform and of other libraries
 */
export type LoggerLike = Readonly<Record<LogLevel, (line: string) => unknown>>;

/** Options of {@link logTo}. */
export interface LogOptions {
  /**
   * The lowest level that is logged: `'debug'` (commits and all requests), `'info'` (pushes, adoptions), `'warn'` (failed
   * requests, retries, discards, quarantines, warnings) or `'error'` (failed automatic pushes).
   *
   * @defaultValue `'info'`
   */
  readonly level?: LogLevel | undefined;
  /**
   * Whether lines hold the values of entries. Texts are cut at 60 characters, and parts that look like a UUID are masked.
   *
   * @defaultValue `false`
   */
  readonly values?: boolean | undefined;
}

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

const Options = ownObject(
  { level: oneOf<LogLevel>(...LEVELS), values: flag },
  { defaults: { level: 'info', values: false } },
);

/**
 * Writes the events of an `Api` to a logger, one line each: `nikdev-iot push entries=3 requests=1 milliseconds=12.5`. No line
 * holds the API key.
 *
 * @param logger - Each line is passed to one of its methods `debug`, `info`, `warn` and `error`.
 * @returns A function that stops it.
 * @throws {@link ConfigException} if `logger` is not a logger or an option is invalid; {@link ApiException} if `api` is closed.
 * @example
 * ```ts
 * const stop = logTo(api, console, { level: 'debug' })
 * ```
 */
export function logTo<Fields extends FieldDefinitions>(
  api: Api<Fields>,
  logger: LoggerLike,
  options: LogOptions = {},
): () => void {
  const { level: lowest, values } = checkOptions(options, Options);
  if (LEVELS.some((level) => typeof Object(logger)[level] !== 'function'))
    throw new ConfigException(`logger must have the methods ${LEVELS.join(', ')}, got ${kindOf(logger)}`);
  const isLogged = (level: LogLevel): boolean => LEVELS.indexOf(level) >= LEVELS.indexOf(lowest);
  return logEvents(
    (name, listener) => api.on(name, listener),
    (line, level) => isLogged(level) && logger[level](line),
    { values },
  );
}
