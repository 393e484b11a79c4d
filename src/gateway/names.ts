import { sha256 } from './sha256.js';

/** The version of the format of messages, buckets and names. A gateway of another version refuses to run. */
export const FORMAT_VERSION = 1;

/** Each partition costs a consumer in NATS. */
export const MAX_PARTITIONS = 1024;

/** The work queue: `gw.<partition>.<device>`. */
export const UPLOADS = 'NIKDEV';
/** Refused entries. */
export const QUARANTINE = 'NIKDEV_QUARANTINE';
/** Messages of devices in trouble: `parked.<device>`. */
export const PARKED = 'NIKDEV_PARKED';

/** Key-value buckets. */
export const BUCKETS = {
  /** The stored sequences of each writer. */
  marks: 'NIKDEV_MARKS',
  /** Sealed API keys, by device and key hash. */
  keys: 'NIKDEV_KEYS',
  /** The number of partitions and the format version. */
  config: 'NIKDEV_CONFIG',
  /** The parked devices. */
  devices: 'NIKDEV_DEVICES',
} as const;

/** The subjects of each stream. */
export const SUBJECTS = {
  [UPLOADS]: 'gw.*.*',
  [QUARANTINE]: 'quarantine.*',
  [PARKED]: 'parked.*',
} as const;

/** The key of the settings in the bucket `NIKDEV_CONFIG`. */
export const SETTINGS_KEY = 'settings';

/** @returns The subject of the uploads of a device. */
export const uploadSubject = (partition: number, device: string): string => `gw.${partition}.${encodeId(device)}`;

/** @returns The filter of a partition. It names as many tokens as the stream: `gw.3.>` would not be a subset of `gw.*.*`. */
export const partitionSubject = (partition: number): string => `gw.${partition}.*`;

/** @returns The subject of the uploads of a device. */
export const uploadSubjectOf = (device: string, partitions: number): string =>
  uploadSubject(partitionOf(device, partitions), device);

/** @returns The durable consumer of a partition. */
export const consumerOf = (partition: number): string => `worker-${partition}`;

export const parkedSubject = (device: string): string => `parked.${encodeId(device)}`;

export const quarantineSubject = (device: string): string => `quarantine.${encodeId(device)}`;

/** @returns The partition of a device, from 0: evenly distributed, and the same in each version and process. */
export function partitionOf(device: string, partitions: number): number {
  return sha256(device).readUInt32BE(0) % partitions;
}

/** The maximum length of an id in a subject; a Device ID has 36 characters. */
const MAX_CODE_LENGTH = 256;

const ESCAPED = /[^a-zA-Z0-9_-]/gu;

/**
 * Encodes an id for a token of a subject and a key of a bucket, which have no dots, wildcards or blanks: all UTF-8 bytes but
 * those of letters, digits, `_` and `-` become `=XX`. Different ids have different codes; a UUID is its own.
 *
 * @throws RangeError if the id is empty, which no token may be.
 */
export function encodeId(id: string): string {
  if (id === '') throw new RangeError('an id is empty');
  return id.replace(ESCAPED, (character) =>
    [...new TextEncoder().encode(character)].map((byte) => `=${byte.toString(16).padStart(2, '0')}`).join(''),
  );
}

/**
 * Encodes a name that a device chose, of any length. NATS closes the connection of a client whose subject exceeds 4 KiB, so a long
 * name becomes its hash; no id has a code with `==`.
 */
export function encodeName(name: string): string {
  const code = encodeId(name);
  return code.length <= MAX_CODE_LENGTH ? code : `==${sha256(name).toString('base64url')}`;
}

/** @returns The encoded Device ID in a subject: its last token. */
export const deviceCodeOf = (subject: string): string => subject.slice(subject.lastIndexOf('.') + 1);

/** The inverse of {@link encodeId}. @returns `undefined` if no id has this code, or it is longer than that of a Device ID. */
export function decodeId(code: string): string | undefined {
  if (code.length > MAX_CODE_LENGTH) return undefined;
  try {
    const id = decodeURIComponent(code.replaceAll('%', '%25').replaceAll('=', '%'));
    return encodeId(id) === code ? id : undefined;
  } catch {
    return undefined;
  }
}
