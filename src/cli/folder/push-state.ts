import { createHash, randomBytes } from 'node:crypto';
import type { LastPush } from '../../core/model/status.js';
import { type Outcome, retryPolicy } from '../../core/time/retry-policy.js';
import type { SafeFiles } from '../../storage/file/journal/safe-files.js';
import { quietly } from '../../storage/shared/quietly.js';
import type { Credentials } from '../config/settings.js';
import { SmallFile } from './small-file.js';

/** The exception of a push, as the folder keeps it. */
export interface KeptException {
  readonly name: string;
  readonly message: string;
  readonly advice: string;
  readonly status?: number | undefined;
  readonly retryAfter?: number | undefined;
}

/** The kind of a failed push, as far as the delay depends on it. */
export type FailureKind = Extract<Outcome['kind'], 'transient' | 'rejected' | 'invalid-entries'>;

interface Failure {
  /** The number of pushes that failed in a row. */
  readonly count: number;
  readonly kind: FailureKind;
  /** In Unix seconds. */
  readonly at: number;
  /** How long after `at` the next push is due. */
  readonly waitSeconds: number;
  readonly exception: KeptException;
  /** Absent unless the credentials were refused: a salted hash of them, by which others are known. */
  readonly refused?: { readonly salt: string; readonly hash: string } | undefined;
}

/** A failure to keep. */
interface NewFailure {
  readonly kind: FailureKind;
  readonly exception: KeptException;
  readonly credentials: Credentials;
}

interface PushRecord {
  readonly version: 1;
  readonly lastPush?: LastPush | undefined;
  readonly failure?: Failure | undefined;
}

/** When the folder was pushed, and when the next push is due: backoff and `Retry-After` last from call to call. */
export class PushState {
  readonly #file: SmallFile;
  /** The record that could not be written, as on a full disk: it lasts as long as this call. */
  #unsaved: PushRecord | undefined;

  constructor(files: SafeFiles) {
    this.#file = new SmallFile(files, 'push.json');
  }

  get lastPush(): LastPush | undefined {
    return this.#read().lastPush;
  }

  get lastException(): KeptException | undefined {
    return this.#read().failure?.exception;
  }

  get failures(): number {
    return this.#read().failure?.count ?? 0;
  }

  /**
   * When the next push is due, in Unix seconds; `undefined` if it is due now. A clock that was set back makes it due, and so do
   * other credentials than the refused ones.
   */
  dueAt(credentials: Credentials, now = seconds()): number | undefined {
    const { failure } = this.#read();
    if (failure === undefined || now < failure.at || now >= failure.at + failure.waitSeconds) return undefined;
    const { refused } = failure;
    if (refused !== undefined && refused.hash !== hashOf(credentials, refused.salt)) return undefined;
    return Math.ceil(failure.at + failure.waitSeconds);
  }

  /** A push ended: it stored entries, or failed. */
  record({ lastPush, failure }: { lastPush?: LastPush; failure?: NewFailure }): void {
    const before = this.#read();
    const count = (before.failure?.count ?? 0) + 1;
    const next: PushRecord = {
      version: 1,
      lastPush: lastPush ?? before.lastPush,
      failure: failure && failureOf(failure, count),
    };
    this.#write(next);
  }

  /** The cause of the last failure was changed. */
  removeFailure(): void {
    const { lastPush, failure } = this.#read();
    if (failure !== undefined) this.#write({ version: 1, lastPush });
  }

  /** If the file can't be written, the push of the next call is due at once. */
  #write(record: PushRecord): void {
    this.#unsaved = undefined;
    try {
      this.#file.write(record);
    } catch {
      this.#unsaved = record;
      quietly(() => this.#file.remove());
    }
  }

  #read(): PushRecord {
    if (this.#unsaved !== undefined) return this.#unsaved;
    const record = this.#file.read() as Partial<PushRecord> | undefined | null;
    return record?.version === 1 ? (record as PushRecord) : { version: 1 };
  }
}

function failureOf({ kind, exception, credentials }: NewFailure, count: number): Failure {
  const isRefused = exception.status === 401 || exception.status === 403;
  const salt = randomBytes(16).toString('hex');
  return {
    kind,
    exception,
    count,
    at: seconds(),
    waitSeconds: waitOf({ kind, exception }, count),
    ...(isRefused && { refused: { salt, hash: hashOf(credentials, salt) } }),
  };
}

const hashOf = ({ deviceId, apiKey, baseUrl }: Credentials, salt: string): string =>
  createHash('sha256').update([salt, deviceId, apiKey, baseUrl].join(' ')).digest('hex');

/** The calls of a device add entries: refused content waits as it does for newer entries. */
const waitOf = ({ kind, exception }: { kind: FailureKind; exception: KeptException }, count: number): number =>
  retryPolicy({ kind, retryAfter: exception.retryAfter }, count, Math.random()).newerSeconds;

const seconds = (): number => Math.floor(Date.now() / 1000);
