import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { GatewayException } from '../gateway-exception.js';

/** The uses of a secret. Each has a key of its own, so that the result of one use says nothing about another. */
export type Purpose = 'seal' | 'key-hash' | 'message' | 'message-id';

/** Bytes of a secret. */
const SECRET_BYTES = 32;

const ADVICE = 'Make one with: openssl rand -base64 32. The same secret belongs on every machine.';

/** A secret of the gateways of one cluster. Its bytes are in private fields, which no log or inspection shows. */
export class Secret {
  /** As bytes: an HMAC with a `KeyObject` takes twice as long. */
  readonly #keys = new Map<Purpose, Uint8Array>();
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  key(purpose: Purpose): Uint8Array {
    const known = this.#keys.get(purpose);
    if (known) return known;
    const key = Buffer.from(hkdfSync('sha256', this.#bytes, '', `nikdev-iot/${purpose}`, SECRET_BYTES));
    this.#keys.set(purpose, key);
    return key;
  }

  /** Authenticates a list of parts; no two lists have the same input. */
  mac(purpose: Purpose, parts: readonly string[]): string {
    const input = parts.map((part) => `${part.length}:${part}`).join('');
    return createHmac('sha256', this.key(purpose)).update(input).digest('base64url');
  }
}

/** The secrets in use: the first seals and authenticates, all open and verify. */
export class Secrets {
  readonly newest: Secret;
  readonly all: readonly Secret[];

  constructor(newest: Secret, older: readonly Secret[] = []) {
    this.newest = newest;
    this.all = [newest, ...older];
  }

  /** Whether one of the secrets made `mac` of these parts. */
  verify(purpose: Purpose, parts: readonly string[], mac: string): boolean {
    return this.all.some((secret) => isSame(secret.mac(purpose, parts), mac));
  }
}

function isSame(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/**
 * Reads `NEW` or `NEW,OLD`, each 32 bytes in base64.
 *
 * @throws GatewayException without the text.
 */
export function parseSecrets(text: string): Secrets {
  const parts = text.trim().split(',');
  if (parts.length > 2)
    throw new GatewayException('the secret must be one or two texts with a comma between them', ADVICE);
  const [newest, ...older] = parts.map(parseSecret);
  return new Secrets(newest as Secret, older);
}

function parseSecret(text: string): Secret {
  const trimmed = text.trim();
  const bytes = Buffer.from(trimmed, 'base64');
  const isExact = /^[\w+/-]{43}=?$/.test(trimmed) && bytes.byteLength === SECRET_BYTES;
  if (!isExact) throw new GatewayException(`the secret must be ${SECRET_BYTES} bytes in base64`, ADVICE);
  return new Secret(bytes);
}

/** @returns The hash that stands for an API key of a device, in messages and buckets. */
export const hashKey = (secret: Secret, device: string, apiKey: string): string =>
  secret.mac('key-hash', [device, apiKey]);
