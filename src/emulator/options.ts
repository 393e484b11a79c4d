import * as v from 'valibot';
import { ownObject, uuid } from '../core/model/schema.js';
import { faultOf } from '../http/schema-issue.js';
import type { ReceivedEntry } from './device.js';
import type { AnsweredRequest } from './request-log.js';

/** The options of `createEmulator`. */
export interface EmulatorOptions {
  /** The devices of the server. */
  readonly devices: readonly EmulatedDevice[];
  /**
   * The server's clock, in milliseconds since the Unix epoch; pass a function to test with a wrong clock.
   *
   * @defaultValue `Date.now`
   */
  readonly now?: (() => number) | undefined;
  /**
   * The maximum size of the body of an upload, in bytes, from 1. A longer body is not read to its end and answered with 413; an
   * `Api` with a higher `maxBytesPerRequest` then sends smaller requests.
   *
   * @defaultValue `1048576`
   */
  readonly maxBodyBytes?: number | undefined;
  /**
   * The number of entries of each device that are kept, from 1; older entries are removed.
   *
   * @defaultValue `Infinity`
   */
  readonly maxEntries?: number | undefined;
  /**
   * Called with a copy of each entry of a valid upload, before it is stored. If it returns a message, the upload is answered with
   * 400 and this message, and nothing of it is stored: as by a server that does not know a field, or limits its values.
   *
   * @defaultValue none: each entry is accepted
   */
  readonly refuse?: ((entry: ReceivedEntry) => string | undefined) | undefined;
  /**
   * Called before the response to each request, preflights aside, also to a refused one; not for a request that is never
   * answered. An exception that it throws is written to the console, and changes nothing.
   *
   * @defaultValue none
   */
  readonly onRequest?: ((request: AnsweredRequest) => void) | undefined;
}

/** A device of the server. */
export interface EmulatedDevice {
  /** A UUID; compared without regard to case. */
  readonly deviceId: string;
  /** The API keys of the device. */
  readonly apiKeys: readonly EmulatedKey[];
}

/** An API key of a device, and its permissions. */
export interface EmulatedKey {
  /** A UUID; compared without regard to case. */
  readonly key: string;
  /** Whether the key may read values; if not, the server answers 403. */
  readonly read: boolean;
  /** Whether the key may upload entries; if not, the server answers 403. */
  readonly write: boolean;
}

const BYTES = 'a whole number of bytes, from 1';
const callable = <Signature>() => v.custom<Signature>((input) => typeof input === 'function', 'a function');
const right = v.boolean('true or false');

const Key = ownObject({ key: uuid, read: right, write: right });
const Device = ownObject({ deviceId: uuid, apiKeys: v.array(Key, 'an array') });
const Options = ownObject(
  {
    devices: v.array(Device, 'an array'),
    now: callable<() => number>(),
    maxBodyBytes: v.pipe(v.number(BYTES), v.safeInteger(BYTES), v.minValue(1, BYTES)),
    maxEntries: v.custom<number>(
      (input) => input === Infinity || (Number.isSafeInteger(input) && (input as number) >= 1),
      'a whole number from 1, or Infinity',
    ),
    refuse: v.optional(callable<Refuse>()),
    onRequest: v.optional(callable<(request: AnsweredRequest) => void>()),
  },
  // Called through Date, so that a replacement by a test takes effect.
  { defaults: { now: () => Date.now(), maxBodyBytes: 1_048_576, maxEntries: Infinity } },
);

/** @returns The message with which an upload of the entry is refused. */
export type Refuse = (entry: ReceivedEntry) => string | undefined;

type Hooks = Pick<EmulatorOptions, 'refuse' | 'onRequest'>;
type ResolvedOptions = Hooks & {
  readonly [Name in Exclude<keyof EmulatorOptions, keyof Hooks>]-?: NonNullable<EmulatorOptions[Name]>;
};

/**
 * Checks options and fills in defaults.
 *
 * @throws TypeError naming the invalid place, without API keys.
 */
export function resolveOptions(options: unknown): ResolvedOptions {
  const result = v.safeParse(Options, options);
  if (!result.success) throw new TypeError(faultOf(result.issues, 'the options'));
  const { devices } = result.output;
  refuseTwins(
    devices.map(({ deviceId }) => deviceId),
    (index) => `devices[${index}].deviceId`,
  );
  devices.forEach(({ apiKeys }, device) => {
    refuseTwins(
      apiKeys.map(({ key }) => key),
      (index) => `devices[${device}].apiKeys[${index}].key`,
    );
  });
  return result.output;
}

function refuseTwins(ids: readonly string[], placeOf: (index: number) => string): void {
  const seen = new Map<string, number>();
  ids.forEach((id, index) => {
    const first = seen.get(id.toLowerCase());
    if (first !== undefined) throw new TypeError(`${placeOf(index)} is the same as ${placeOf(first)}`);
    seen.set(id.toLowerCase(), index);
  });
}
