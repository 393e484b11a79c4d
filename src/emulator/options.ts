import * as v from 'valibot';
import { ownObject, uuid } from '../core/model/schema.js';
import { faultOf } from '../http/schema-issue.js';

/** What `createEmulator` takes. */
export interface EmulatorOptions {
  /** The devices that the server knows. */
  readonly devices: readonly EmulatedDevice[];
  /**
   * The server's clock, in milliseconds since the Unix epoch, such as one that is an hour wrong.
   *
   * @defaultValue `Date.now`
   */
  readonly now?: (() => number) | undefined;
  /**
   * The longest body of an upload, in bytes from 1 on; a longer one is not read to its end and answered with 413. An `Api`
   * whose `maxBytesPerRequest` is higher sends less at a time then.
   *
   * @defaultValue `1048576`
   */
  readonly maxBodyBytes?: number | undefined;
}

/** A device that the server knows. */
export interface EmulatedDevice {
  /** A UUID; compared without regard to case. */
  readonly deviceId: string;
  /** Its keys; none but these are known. */
  readonly apiKeys: readonly EmulatedKey[];
}

/** An API key of a device, and its rights. */
export interface EmulatedKey {
  /** A UUID; compared without regard to case. */
  readonly key: string;
  /** Whether it may read values; if not, the server answers 403. */
  readonly read: boolean;
  /** Whether it may upload entries; if not, the server answers 403. */
  readonly write: boolean;
}

const BYTES = 'a whole number of bytes, from 1 on';
const right = v.boolean('true or false');

const Key = ownObject({ key: uuid, read: right, write: right });
const Device = ownObject({ deviceId: uuid, apiKeys: v.array(Key, 'an array') });
const Options = ownObject(
  {
    devices: v.array(Device, 'an array'),
    now: v.custom<() => number>((input) => typeof input === 'function', 'a function'),
    maxBodyBytes: v.pipe(v.number(BYTES), v.safeInteger(BYTES), v.minValue(1, BYTES)),
  },
  // Called through Date, so that one that a test puts in its place is seen.
  { defaults: { now: () => Date.now(), maxBodyBytes: 1_048_576 } },
);

type ResolvedOptions = { readonly [Name in keyof EmulatorOptions]-?: NonNullable<EmulatorOptions[Name]> };

/**
 * Checks options and completes them.
 *
 * @throws TypeError naming the place at fault; API keys are not repeated.
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
