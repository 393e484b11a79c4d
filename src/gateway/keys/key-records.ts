import { isUuid } from '../../core/model/schema.js';
import { BUCKETS, encodeId } from '../names.js';
import type { Nats } from '../nats.js';
import { seal, unseal } from './sealed-text.js';
import type { Secrets } from './secret.js';

/** The last verdict of upstream on a key; `unverified`: upstream was away. */
export type KeyState = 'accepted' | 'unverified' | 'refused';

/** An API key of a device. */
export interface KeyRecord {
  readonly apiKey: string;
  readonly keyHash: string;
  readonly state: KeyState;
  /** The status of a refusal: 401 or 403. */
  readonly status?: number | undefined;
  /** When it was written, in milliseconds since the Unix epoch. */
  readonly at: number;
}

/** The result of reading a record: `sealed` if none of the secrets unseals it. */
export type ReadRecord = KeyRecord | 'sealed' | undefined;

/** The name of the record of the API key that upstream accepted last. It can't be a key hash, which has 43 characters. */
const LATEST = 'latest';

/** The sealed API keys in the bucket `NIKDEV_KEYS`: `<device>.<key hash>` and `<device>.latest`. */
export class KeyRecords {
  readonly #nats: Pick<Nats, 'kv'>;
  readonly #secrets: Secrets;

  constructor(nats: Pick<Nats, 'kv'>, secrets: Secrets) {
    this.#nats = nats;
    this.#secrets = secrets;
  }

  read(device: string, keyHash: string): Promise<ReadRecord> {
    return this.#read(device, keyHash);
  }

  /** The key that upstream accepted last, whatever became of it. */
  readLatest(device: string): Promise<ReadRecord> {
    return this.#read(device, LATEST);
  }

  async write(device: string, record: KeyRecord): Promise<void> {
    await this.#write(device, record.keyHash, record);
    if (record.state === 'accepted') await this.#write(device, LATEST, record);
  }

  async #read(device: string, name: string): Promise<ReadRecord> {
    const bucket = await this.#nats.kv(BUCKETS.keys);
    const entry = await bucket.get(keyOf(device, name));
    if (entry === null || entry.operation !== 'PUT') return undefined;
    const text = unseal(this.#secrets, placeOf(device, name), entry.string());
    return text === undefined ? 'sealed' : (JSON.parse(text) as KeyRecord);
  }

  async #write(device: string, name: string, record: KeyRecord): Promise<void> {
    if (!isUuid(record.apiKey)) throw new TypeError('an API key must be a UUID');
    const bucket = await this.#nats.kv(BUCKETS.keys);
    const sealed = seal(this.#secrets.newest, placeOf(device, name), JSON.stringify(record));
    await bucket.put(keyOf(device, name), sealed);
  }
}

const keyOf = (device: string, name: string): string => `${encodeId(device)}.${name}`;

const placeOf = (device: string, name: string): string[] => [BUCKETS.keys, device, name];
