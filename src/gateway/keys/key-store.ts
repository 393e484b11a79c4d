import type { Clock } from '../../core/time/clock.js';
import { SystemClock } from '../../platform/system-clock.js';
import type { GatewayNews } from '../news.js';
import { RecentMap } from '../recent-map.js';
import type { KeyChecker } from './key-checker.js';
import type { KeyRecord, KeyRecords, ReadRecord } from './key-records.js';
import { hashKey, type Secrets } from './secret.js';
import { UnverifiedPairs } from './unverified-pairs.js';

/** Whether an upload of a device with a key is accepted. */
export type Admission =
  | { readonly kind: 'accepted'; readonly keyHash: string; readonly isVerified: boolean }
  /** Upstream refused the key less than a minute ago, with this status. */
  | { readonly kind: 'refused'; readonly status: number }
  /** Not now: too many keys are checked, or too much is unverified while upstream is away. */
  | { readonly kind: 'busy' };

/** A key that upstream accepted. */
export interface AcceptedKey {
  readonly keyHash: string;
  readonly apiKey: string;
}

const MAX_CACHED = 100_000;
/** The cache of refusals is separate: an attacker's keys must not push out those of devices. */
const MAX_REFUSED = 10_000;
const REFUSED_MS = 60_000;
/** Another gateway may have seen a refusal meanwhile. */
const CACHED_MS = 10 * 60_000;
/** The time to live in the bucket is 30 days. */
const REFRESH_MS = 7 * 24 * 3_600_000;

interface Cached {
  readonly apiKey: string;
  /** Of the monotonic clock: a step of the wall clock must neither lengthen nor shorten it. */
  readonly until: number;
}

interface Refused {
  readonly status: number;
  /** Of the monotonic clock. */
  readonly until: number;
}

export interface KeyStoreParts {
  readonly secrets: Secrets;
  readonly records: KeyRecords;
  readonly checker: KeyChecker;
  readonly news: GatewayNews;
  /** Default: the system's. */
  readonly clock?: Pick<Clock, 'now' | 'monotonic'>;
}

/** The API keys of all devices: sealed in a bucket, in clear only in memory. */
export class KeyStore {
  readonly #parts: KeyStoreParts;
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>;
  /** By device and key: computing a hash takes longer than the rest of an admission. */
  readonly #hashes = new RecentMap<string>(MAX_CACHED);
  /** By key hash. */
  readonly #accepted = new RecentMap<Cached>(MAX_CACHED);
  readonly #refused = new RecentMap<Refused>(MAX_REFUSED);
  readonly #unverified: UnverifiedPairs;

  constructor(parts: KeyStoreParts) {
    this.#parts = parts;
    this.#clock = parts.clock ?? new SystemClock();
    this.#unverified = new UnverifiedPairs(this.#clock);
  }

  /**
   * Decides about an upload.
   *
   * @throws if the bucket can't be reached.
   */
  async admit(device: string, apiKey: string): Promise<Admission> {
    const keyHash = this.#hashOf(device, apiKey);
    const now = this.#clock.monotonic();
    if ((this.#accepted.get(keyHash)?.until ?? now) > now) return { kind: 'accepted', keyHash, isVerified: true };
    const refused = this.#refused.get(keyHash);
    if (refused && refused.until > now) return { kind: 'refused', status: refused.status };
    if (this.#unverified.isFresh(keyHash)) return this.#admitUnverified(keyHash);
    const record = (await this.#read(device, keyHash)) ?? (await this.#readOlder(device, apiKey, keyHash));
    if (record?.state === 'accepted') return this.#admitKnown(device, record);
    if (record?.state === 'refused' && this.#isRecent(record)) return this.#refuse(record);
    return this.#checkAndAdmit(device, { apiKey, keyHash, state: 'unverified', at: this.#clock.now() }, record);
  }

  /** The clear key of a message. @returns `undefined` if it is not in the bucket, or can't be unsealed: that is an alarm. */
  async get(device: string, keyHash: string): Promise<string | undefined> {
    const cached = this.#accepted.get(keyHash);
    if (cached) return cached.apiKey;
    const record = await this.#read(device, keyHash);
    if (record === undefined)
      this.#parts.news.emit('alarm', {
        alarm: 'missing-key',
        message: `a key of device ${device} is not in the bucket`,
      });
    return record?.apiKey;
  }

  /** The key of a device that upstream accepted last. */
  async latestAccepted(device: string): Promise<AcceptedKey | undefined> {
    const record = this.#alarmIfSealed(device, await this.#parts.records.readLatest(device));
    return record && { keyHash: record.keyHash, apiKey: record.apiKey };
  }

  /** Upstream stored an upload with this key. */
  async onAccepted(device: string, keyHash: string): Promise<void> {
    if (this.#accepted.get(keyHash)) return;
    const record = await this.#read(device, keyHash);
    if (record === undefined) return;
    if (record.state === 'accepted') this.#cache(record);
    else await this.#accept(device, record);
  }

  /** Upstream refused an upload with this key. @param status - 401 or 403. */
  async onRefused(device: string, keyHash: string, status: number): Promise<void> {
    this.#refused.set(keyHash, { status, until: this.#clock.monotonic() + REFUSED_MS });
    this.#accepted.delete(keyHash);
    this.#unverified.delete(keyHash);
    const record = await this.#read(device, keyHash);
    if (record) await this.#parts.records.write(device, { ...record, state: 'refused', status, at: this.#clock.now() });
  }

  /** A record of the future was written before the clock was set back, or by a gateway whose clock is wrong: it proves nothing. */
  #isRecent({ at }: KeyRecord): boolean {
    const age = this.#clock.now() - at;
    return age >= 0 && age < REFUSED_MS;
  }

  #hashOf(device: string, apiKey: string): string {
    const pair = `${device} ${apiKey}`;
    const known = this.#hashes.get(pair);
    if (known !== undefined) return known;
    const hash = hashKey(this.#parts.secrets.newest, device, apiKey);
    this.#hashes.set(pair, hash);
    return hash;
  }

  async #admitKnown(device: string, record: KeyRecord): Promise<Admission> {
    if (record.at + REFRESH_MS < this.#clock.now())
      await this.#parts.records.write(device, { ...record, at: this.#clock.now() });
    this.#cache(record);
    return { kind: 'accepted', keyHash: record.keyHash, isVerified: true };
  }

  async #checkAndAdmit(device: string, pair: KeyRecord, known: KeyRecord | undefined): Promise<Admission> {
    const verdict = await this.#parts.checker.check(device, pair.apiKey);
    if (verdict === 'busy') return { kind: 'busy' };
    if (typeof verdict === 'object') return this.#refuse({ keyHash: pair.keyHash, status: verdict.refused });
    if (verdict === 'accepted') {
      await this.#accept(device, pair);
      return { kind: 'accepted', keyHash: pair.keyHash, isVerified: true };
    }
    // Written before the message, which would be of no use without its key.
    if (this.#unverified.add(device, pair.keyHash) && known === undefined)
      await this.#parts.records.write(device, pair);
    return this.#admitUnverified(pair.keyHash);
  }

  #admitUnverified(keyHash: string): Admission {
    return this.#unverified.count(keyHash) ? { kind: 'accepted', keyHash, isVerified: false } : { kind: 'busy' };
  }

  async #accept(device: string, pair: KeyRecord): Promise<void> {
    const { status: _, ...record } = { ...pair, state: 'accepted' as const, at: this.#clock.now() };
    await this.#parts.records.write(device, record);
    this.#cache(record);
  }

  #cache({ keyHash, apiKey }: KeyRecord): void {
    this.#unverified.delete(keyHash);
    this.#refused.delete(keyHash);
    this.#accepted.set(keyHash, { apiKey, until: this.#clock.monotonic() + CACHED_MS });
  }

  #refuse({ keyHash, status = 401 }: Pick<KeyRecord, 'keyHash' | 'status'>): Admission {
    this.#unverified.delete(keyHash);
    this.#refused.set(keyHash, { status, until: this.#clock.monotonic() + REFUSED_MS });
    return { kind: 'refused', status };
  }

  /** After a rotation of the secret a key has another hash: its record moves there. */
  async #readOlder(device: string, apiKey: string, keyHash: string): Promise<KeyRecord | undefined> {
    for (const secret of this.#parts.secrets.all.slice(1)) {
      const record = await this.#read(device, hashKey(secret, device, apiKey));
      if (record?.state === 'accepted') return { ...record, keyHash, at: 0 };
    }
    return undefined;
  }

  async #read(device: string, keyHash: string): Promise<KeyRecord | undefined> {
    return this.#alarmIfSealed(device, await this.#parts.records.read(device, keyHash));
  }

  #alarmIfSealed(device: string, record: ReadRecord): KeyRecord | undefined {
    if (record !== 'sealed') return record;
    this.#parts.news.emit('alarm', { alarm: 'sealed-key', message: `a key of device ${device} can't be unsealed` });
    return undefined;
  }
}
