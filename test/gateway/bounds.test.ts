import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Slots } from '../../src/gateway/front/slots.js';
import { seal, unseal } from '../../src/gateway/keys/sealed-text.js';
import { Secret, Secrets } from '../../src/gateway/keys/secret.js';
import { UnverifiedPairs } from '../../src/gateway/keys/unverified-pairs.js';
import { RecentMap } from '../../src/gateway/recent-map.js';

const HOUR = 3_600_000;

describe('unverified keys', () => {
  test('G1 are 10,000 at most; one that was away for a day leaves its place', () => {
    let now = 0;
    const pairs = new UnverifiedPairs({ monotonic: () => now });
    for (let pair = 0; pair < 10_000; pair++) expect(pairs.add(`device ${pair}`, `${pair}`)).toBe(true);
    expect([pairs.add('device', 'another'), pairs.count('another')]).toEqual([false, false]);
    now = 23 * HOUR;
    expect(pairs.add('device 0', '0')).toBe(true);
    now = 24 * HOUR;
    expect(pairs.add('device', 'another')).toBe(true);
    expect([pairs.count('another'), pairs.count('0'), pairs.count('1')]).toEqual([true, true, false]);
  });

  test('G1 are eight of a device at most, until one of them is judged', () => {
    const pairs = new UnverifiedPairs({ monotonic: () => 0 });
    for (let key = 0; key < 8; key++) expect(pairs.add('device', `${key}`)).toBe(true);
    expect(pairs.add('device', '0')).toBe(true);
    expect(pairs.add('device', 'ninth')).toBe(false);
    expect(pairs.add('other', 'key')).toBe(true);
    pairs.delete('0');
    expect([pairs.add('device', 'ninth'), pairs.add('device', 'tenth')]).toEqual([true, false]);
  });
});

describe('a cache of bounded size', () => {
  test('G1 loses what was used longest ago', () => {
    const map = new RecentMap<number>(2);
    map.set('a', 1);
    map.set('b', 2);
    map.get('a');
    map.set('c', 3);
    expect([map.get('a'), map.get('b'), map.get('c'), map.size]).toEqual([1, undefined, 3, 2]);
  });
});

describe('slots', () => {
  test('G6 bound the operations of all, and those of one owner', async () => {
    const slots = new Slots(3, 2);
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const run = (owner: string) => slots.run(owner, () => ended);
    const running = [run('a'), run('a'), run('a'), run('b'), run('b')];
    expect(running.map((operation) => operation !== undefined)).toEqual([true, true, false, true, false]);
    end();
    await slots.idle();
    await Promise.all(running);
    expect(await slots.run('a', async () => 'free again')).toBe('free again');
  });

  test('are released by a failure', async () => {
    const slots = new Slots(1, 1);
    await expect(slots.run('a', () => Promise.reject(new Error('x')))).rejects.toThrow('x');
    await slots.idle();
  });
});

describe('a sealed text', () => {
  const secret = new Secret(randomBytes(32));
  const secrets = new Secrets(secret);
  const place = ['NIKDEV_KEYS', 'device', 'key'];

  test('G5 is unsealed with its secret and place only', () => {
    const sealed = seal(secret, place, 'text');
    expect(unseal(secrets, place, sealed)).toBe('text');
    expect(unseal(new Secrets(new Secret(randomBytes(32)), [secret]), place, sealed)).toBe('text');
    expect(unseal(new Secrets(new Secret(randomBytes(32))), place, sealed)).toBeUndefined();
    expect(unseal(secrets, ['NIKDEV_KEYS', 'other', 'key'], sealed)).toBeUndefined();
    expect(unseal(secrets, ['NIKDEV_KEYS', 'device', 'other'], sealed)).toBeUndefined();
  });

  test('G5 is another one each time, and is not unsealed if a bit of it was changed or it was cut', () => {
    const sealed = seal(secret, place, 'text');
    expect(seal(secret, place, 'text')).not.toBe(sealed);
    const bytes = Buffer.from(sealed, 'base64url');
    for (const at of bytes.keys()) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(unseal(secrets, place, changed.toString('base64url'))).toBeUndefined();
    }
    for (const length of [0, 10, 27, bytes.length - 1])
      expect(unseal(secrets, place, bytes.subarray(0, length).toString('base64url'))).toBeUndefined();
  });
});
