import type { Secret, Secrets } from './keys/secret.js';
import { decodeId, deviceCodeOf, FORMAT_VERSION } from './names.js';
import { sha256 } from './sha256.js';

/*
 * An upload as a message on gw.<partition>.<device> and parked.<device>. NATS searches all headers of a message several times, so that
 * each header costs the cluster more than its bytes:
 *
 *   Nikdev-Upload: 1 <MAC> <offset> <0 | 1> <key hash> <- | =entry ids>
 *   Nats-Msg-Id: <HMAC>                      only with entry ids
 *
 *   <the JSON of the upload, decompressed, as it came>
 *
 * 1 is the version of the format, the MAC authenticates the device, the rest of the header and the SHA-256 of the body, the offset is in
 * milliseconds, 1 says that upstream had accepted the key, and entry ids are those of x-entry-ids, as they came.
 *
 * A wake-up for a parked device has the version in the header Nikdev-Retry, and an empty body.
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
  /** The hash of the API key of the request, without blanks. */
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

const UPLOAD = 'Nikdev-Upload';
const RETRY = 'Nikdev-Retry';
const MESSAGE_ID = 'Nats-Msg-Id';
const VERSION = String(FORMAT_VERSION);

/** Encodes an upload. */
export function encodeUpload(upload: StoredUpload, secret: Secret): EncodedMessage {
  const { device, body, entryIds } = upload;
  const digest = digestOf(body);
  const claims = encodeClaims(upload);
  const header = `${VERSION} ${secret.mac('message', partsOf(device, claims, digest))} ${claims}`;
  const headers =
    entryIds === undefined
      ? { [UPLOAD]: header }
      : { [UPLOAD]: header, [MESSAGE_ID]: messageId(upload, digest, secret) };
  return { headers, body };
}

/** Encodes a wake-up for a parked device. */
export const encodeWakeUp = (): EncodedMessage => ({ headers: { [RETRY]: VERSION }, body: new Uint8Array() });

/** Decodes a message, which any client of the cluster may have written. */
export function decodeMessage({ subject, data, headers }: ReceivedMessage, secrets: Secrets): DecodedMessage {
  const read = (name: string): string | undefined => (headers?.has(name) ? headers.get(name) : undefined);
  const header = read(UPLOAD) ?? read(RETRY);
  if (header === undefined) return invalid('it has no header of this format');
  const [, version, mac, claims = ''] = /^(\d{1,9})(?: (\S+) (.+))?(?: |$)/s.exec(header) ?? [];
  if (version === undefined) return invalid('its header is malformed');
  if (version !== VERSION) return { kind: 'unknown-version', version };
  const device = decodeId(deviceCodeOf(subject));
  if (device === undefined) return invalid('its subject names no device');
  if (header === read(RETRY) && mac === undefined && data.length === 0) return { kind: 'wake-up', device };
  if (mac === undefined) return invalid('it has no MAC');
  if (!secrets.verify('message', partsOf(device, claims, digestOf(data)), mac))
    return invalid('it was not written by a gateway with this secret, for this device');
  const parsed = decodeClaims(claims);
  return parsed ? { kind: 'upload', upload: { device, body: data, ...parsed } } : invalid('its header is malformed');
}

const invalid = (reason: string): DecodedMessage => ({ kind: 'invalid', reason });

/** The properties of an upload besides its device and body. */
type Claims = Omit<StoredUpload, 'device' | 'body'>;

function encodeClaims({ offset, entryIds, keyHash, isVerified }: Claims): string {
  return `${offset} ${isVerified ? 1 : 0} ${keyHash} ${entryIds === undefined ? '-' : `=${entryIds}`}`;
}

function decodeClaims(text: string): Claims | undefined {
  const [, offset, verified, keyHash = '', entryIds = ''] = /^(-?\d{1,16}) ([01]) (\S*) (-$|=.*)$/s.exec(text) ?? [];
  if (!Number.isSafeInteger(Number(offset))) return undefined;
  return {
    offset: Number(offset),
    isVerified: verified === '1',
    keyHash,
    entryIds: entryIds === '-' ? undefined : entryIds.slice(1),
  };
}

const digestOf = (body: Uint8Array): string => sha256(body).toString('base64url');

const partsOf = (device: string, claims: string, digest: string): string[] => [VERSION, device, claims, digest];

/** Message ids are stream-wide: by the hashes, no other device, key or body can claim the id of an upload first. */
function messageId({ device, keyHash, entryIds = '' }: StoredUpload, digest: string, secret: Secret): string {
  return secret.mac('message-id', [device, keyHash, entryIds, digest]);
}
