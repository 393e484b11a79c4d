import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { hashKey, parseSecrets, Secret, Secrets } from '../../src/gateway/keys/secret.js';
import {
  decodeMessage,
  type EncodedMessage,
  encodeUpload,
  encodeWakeUp,
  type ReceivedMessage,
  type StoredUpload,
} from '../../src/gateway/message.js';
import { uploadSubject } from '../../src/gateway/names.js';
import { API_KEY, DEVICE_ID } from '../support/builders/credentials.js';

const secret = new Secret(randomBytes(32));
const secrets = new Secrets(secret);
const OTHER_DEVICE = '33333333-3333-4333-8333-333333333333';

const KEY_HASH = hashKey(secret, DEVICE_ID, API_KEY);

const upload: StoredUpload = {
  device: DEVICE_ID,
  offset: -1500,
  body: Buffer.from('{"clientTimestamp":1,"entries":[]}'),
  entryIds: 'writer/1-3',
  keyHash: KEY_HASH,
  isVerified: true,
};

function received({ headers, body }: EncodedMessage, subject = uploadSubject(3, DEVICE_ID)): ReceivedMessage {
  const map = new Map(Object.entries(headers));
  return { subject, data: body, headers: { get: (name) => map.get(name) ?? '', has: (name) => map.has(name) } };
}

const withHeader = (message: EncodedMessage, value: string): EncodedMessage => ({
  ...message,
  headers: { ...message.headers, 'Nikdev-Upload': value },
});

describe('an upload as a message', () => {
  test.each([upload, { ...upload, entryIds: undefined, isVerified: false, offset: 0 }])(
    'comes back as it was %#',
    (it) => {
      expect(decodeMessage(received(encodeUpload(it, secret)), secrets)).toEqual({ kind: 'upload', upload: it });
    },
  );

  test('has neither the API key nor, without entry ids, a message id', () => {
    const { headers } = encodeUpload({ ...upload, entryIds: undefined }, secret);
    expect(headers).not.toHaveProperty('Nats-Msg-Id');
    expect(JSON.stringify(encodeUpload(upload, secret).headers)).not.toContain(API_KEY);
  });

  test('has another message id for another device, key, body or ids, and the same for a repetition', () => {
    const idOf = (change: Partial<StoredUpload>) =>
      encodeUpload({ ...upload, ...change }, secret).headers['Nats-Msg-Id'];
    const others = [
      idOf({ device: OTHER_DEVICE }),
      idOf({ keyHash: hashKey(secret, DEVICE_ID, OTHER_DEVICE) }),
      idOf({ body: Buffer.from('{}') }),
      idOf({ entryIds: 'writer/1-4' }),
    ];
    expect(new Set([...others, idOf({})]).size).toBe(5);
    expect(idOf({ offset: 7, isVerified: false })).toBe(idOf({}));
  });

  test('a message of a newer format is reported as such', () => {
    const message = withHeader(encodeUpload(upload, secret), '2 of another format');
    expect(decodeMessage(received(message), secrets)).toEqual({ kind: 'unknown-version', version: '2' });
  });

  test.each([
    ['number of parts', ['1', undefined, '-1500']],
    ['MAC', ['1', 'mac', '-1500', '1', KEY_HASH, '=writer/1-3']],
    ['offset', ['1', undefined, '0', '1', KEY_HASH, '=writer/1-3']],
    ['verification', ['1', undefined, '-1500', '0', KEY_HASH, '=writer/1-3']],
    ['key', ['1', undefined, '-1500', '1', hashKey(secret, DEVICE_ID, OTHER_DEVICE), '=writer/1-3']],
    ['entry ids', ['1', undefined, '-1500', '1', KEY_HASH, '=writer/1-4']],
    ['lack of entry ids', ['1', undefined, '-1500', '1', KEY_HASH, '-']],
    ['text: an empty one', ['']],
    ['text: a version only', ['1']],
    ['text: not a version', ['x', 'mac', '-1500']],
  ])('G8 a message with another %s in its header is invalid', (_part, parts) => {
    const message = encodeUpload(upload, secret);
    const mac = message.headers['Nikdev-Upload']?.split(' ')[1];
    const forged = withHeader(message, parts.map((part) => part ?? mac).join(' '));
    expect(decodeMessage(received(forged), secrets)).toMatchObject({ kind: 'invalid' });
  });

  test.each(['soon 1 hash -', '1e3 1 hash -', `${2 ** 53} 1 hash -`, '1 2 hash -', '1 1 hash', '1 1 hash -x'])(
    'claims of the form %j are invalid, though a gateway authenticated them',
    (claims) => {
      const { body } = upload;
      const digest = createHash('sha256').update(body).digest('base64url');
      const mac = secret.mac('message', ['1', DEVICE_ID, claims, digest]);
      const message = { body, headers: { 'Nikdev-Upload': `1 ${mac} ${claims}` } };
      expect(decodeMessage(received(message), secrets)).toEqual({ kind: 'invalid', reason: 'its header is malformed' });
    },
  );

  test('G8 a message with another body, or on the subject of another device, is invalid', () => {
    const message = encodeUpload(upload, secret);
    expect(decodeMessage(received({ ...message, body: Buffer.from('{}') }), secrets)).toMatchObject({
      kind: 'invalid',
    });
    const moved = received(message, uploadSubject(3, OTHER_DEVICE));
    expect(decodeMessage(moved, secrets)).toMatchObject({ kind: 'invalid' });
    expect(decodeMessage({ subject: moved.subject, data: message.body }, secrets)).toMatchObject({ kind: 'invalid' });
  });

  test('after a rotation of the secret, messages of the old one are read, and those of a third are not', () => {
    const message = received(encodeUpload(upload, secret));
    expect(decodeMessage(message, new Secrets(new Secret(randomBytes(32)), [secret]))).toMatchObject({
      kind: 'upload',
    });
    expect(decodeMessage(message, new Secrets(new Secret(randomBytes(32))))).toMatchObject({ kind: 'invalid' });
  });

  test('a wake-up has no body', () => {
    const message = received(encodeWakeUp());
    expect(decodeMessage(message, secrets)).toEqual({ kind: 'wake-up', device: DEVICE_ID });
    expect(message.data).toHaveLength(0);
    expect(decodeMessage({ ...message, data: new Uint8Array(1) }, secrets)).toMatchObject({ kind: 'invalid' });
  });
});

describe('the secret', () => {
  const text = (bytes = 32) => randomBytes(bytes).toString('base64');

  test('is one text, or a new and an old one', () => {
    expect(parseSecrets(text()).all).toHaveLength(1);
    expect(parseSecrets(` ${text()},${text()}\n`).all).toHaveLength(2);
  });

  test.each(['', 'x', text(31), text(33), `${text()},`, `${text()},${text()},${text()}`, `${text()}=`])(
    'G5 %j is refused, without the text in the message',
    (given) => {
      const message = (() => {
        try {
          parseSecrets(given);
        } catch (error) {
          return (error as Error).message;
        }
        return undefined;
      })();
      expect(message).toMatch(/^the secret must be/);
      if (given.length > 1) expect(message).not.toContain(given);
    },
  );
});
