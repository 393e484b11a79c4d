import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Secret, Secrets } from './secret.js';

/*
 * A sealed text: base64url of
 *
 *   │ nonce, 12 │ tag, 16 │ AES-256-GCM of the text … │
 *
 * The place of the text is the additional data: a sealed text that is moved to another place can't be unsealed there.
 */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ALGORITHM = 'aes-256-gcm';

/** @param place - The parts of the name of the place. */
export function seal(secret: Secret, place: readonly string[], text: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, secret.key('seal'), nonce).setAAD(additionalData(place));
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url');
}

/** @returns `undefined` unless one of the secrets sealed the text for this place. */
export function unseal(secrets: Secrets, place: readonly string[], sealed: string): string | undefined {
  const bytes = Buffer.from(sealed, 'base64url');
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
  for (const secret of secrets.all) {
    const text = open(secret, place, bytes);
    if (text !== undefined) return text;
  }
  return undefined;
}

function open(secret: Secret, place: readonly string[], bytes: Buffer): string | undefined {
  const decipher = createDecipheriv(ALGORITHM, secret.key('seal'), bytes.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(additionalData(place)).setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  try {
    return decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
  } catch {
    return undefined;
  }
}

const additionalData = (place: readonly string[]): Buffer => Buffer.from(JSON.stringify(place));
