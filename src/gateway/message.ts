import { createHash } from 'node:crypto';
import type { Secret, Secrets } from './keys/secret.js';
import { decodeId, deviceCodeOf, encodeId, FORMAT_VERSION } from './names.js';

/*
 * An upload as a message on gw.<partition>.<device> and parked.<device>:
 *
 *   Nikdev-Version: 1
 *   Nikdev-Device: <device id, encoded>      as in the subject
 *   Nikdev-Offset: <milliseconds>            to add to each time of the body
 *   Nikdev-Entry-Ids: <x-entry-ids>          as it came; absent without
 *   Nikdev-Key: <hash of the API key>
 *   Nikdev-Verified: 0 | 1
 *   Nikdev-Mac: <HMAC of all of this and the SHA-256 of the body>
 *   Nats-Msg-Id: <HMAC>                      only with entry ids
 *
 *   <the JSON of the upload, decompressed, as it came>
 *
 * A wake-up for a parked device has Nikdev-Version, Nikdev-Device, Nikdev-Retry: 1 and an empty body.
 */

/** An upload on its way through the gateway. */
export interface StoredUpload {
  /** The Device ID, in lower case. */
  readonly device: string;
  /** The gateway's clock less the device's, in milliseconds: to add to each time of the body. */
  readonly offset: number;
  /** The JSON of the upload, as it came. */
  readonly body: Uint8Array;
  /** The header `x-entry-ids`, as it came. */
  readonly entryIds: string | undefined;
  /** The hash of the API key of the request. */
  readonly keyHash: string;
  /** Whether upstream had accepted the key when the message was published. */
  readonly isVerified: boolean;
}

/** A message as it is published. */
export interface EncodedMessage {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** The parts of a message of NATS that are read. */
export interface ReceivedMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers?: { get(name: string): string; has(name: string): boolean } | undefined;
}

/** The meaning of a received message. */
export type DecodedMessage =
  | { readonly kind: 'upload'; readonly upload: StoredUpload }
  | { readonly kind: 'wake-up'; readonly device: string }
  /** Written by a newer gateway: to be left in the stream. */
  | { readonly kind: 'unknown-version'; readonly version: string }
  /** Written by anything but a gateway with one of the secrets. The reason holds nothing of the message. */
  | { readonly kind: 'invalid'; readonly reason: string };

const HEADERS = {
  version: 'Nikdev-Version',
  device: 'Nikdev-Device',
  offset: 'Nikdev-Offset',
  entryIds: 'Nikdev-Entry-Ids',
  keyHash: 'Nikdev-Key',
  verified: 'Nikdev-Verified',
  mac: 'Nikdev-Mac',
  retry: 'Nikdev-Retry',
} as const;

const VERSION = String(FORMAT_VERSION);

/** Encodes an upload. */
export function encodeUpload(upload: StoredUpload, secret: Secret): EncodedMessage {
  const { device, offset, body, entryIds, keyHash, isVerified } = upload;
  const digest = digestOf(body);
  return {
    headers: {
      [HEADERS.version]: VERSION,
      [HEADERS.device]: encodeId(device),
      [HEADERS.offset]: String(offset),
      ...(entryIds !== undefined && { [HEADERS.entryIds]: entryIds, 'Nats-Msg-Id': messageId(upload, digest, secret) }),
      [HEADERS.keyHash]: keyHash,
      [HEADERS.verified]: isVerified ? '1' : '0',
      [HEADERS.mac]: secret.mac('message', partsOf(upload, digest)),
    },
    body,
  };
}

/** Encodes a wake-up for a parked device. */
export function encodeWakeUp(device: string): EncodedMessage {
  const headers = { [HEADERS.version]: VERSION, [HEADERS.device]: encodeId(device), [HEADERS.retry]: '1' };
  return { headers, body: new Uint8Array() };
}

/** Decodes a message, which any client of the cluster may have written. */
export function decodeMessage({ subject, data, headers }: ReceivedMessage, secrets: Secrets): DecodedMessage {
  const read = (name: keyof typeof HEADERS): string | undefined =>
    headers?.has(HEADERS[name]) ? headers.get(HEADERS[name]) : undefined;
  const version = read('version');
  if (version === undefined) return invalid('it has no format version');
  if (version !== VERSION) return { kind: 'unknown-version', version };
  const code = read('device') ?? '';
  const device = decodeId(code);
  if (device === undefined || deviceCodeOf(subject) !== code) return invalid('its device differs from its subject');
  if (read('retry') === '1') return { kind: 'wake-up', device };
  const offset = read('offset') ?? '';
  if (!/^-?\d{1,16}$/.test(offset) || !Number.isSafeInteger(Number(offset)))
    return invalid('its offset is not a number');
  const upload: StoredUpload = {
    device,
    offset: Number(offset),
    body: data,
    entryIds: read('entryIds'),
    keyHash: read('keyHash') ?? '',
    isVerified: read('verified') === '1',
  };
  if (!secrets.verify('message', partsOf(upload, digestOf(data)), read('mac') ?? ''))
    return invalid('it was not written by a gateway with this secret');
  return { kind: 'upload', upload };
}

const invalid = (reason: string): DecodedMessage => ({ kind: 'invalid', reason });

const digestOf = (body: Uint8Array): string => createHash('sha256').update(body).digest('base64url');

const partsOf = ({ device, offset, entryIds, keyHash, isVerified }: StoredUpload, digest: string): string[] => [
  VERSION,
  device,
  String(offset),
  entryIds === undefined ? '-' : `=${entryIds}`,
  keyHash,
  isVerified ? '1' : '0',
  digest,
];

/** Message ids are stream-wide: by the hashes, no other device, key or body can claim the id of an upload first. */
function messageId({ device, keyHash, entryIds = '' }: StoredUpload, digest: string, secret: Secret): string {
  return secret.mac('message-id', [device, keyHash, entryIds, digest]);
}
