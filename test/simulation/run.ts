import type { QueuedEntry } from '../../src/core/model/entry.js';
import type { FieldValue, Value } from '../../src/core/model/value.js';
import type { Adoption, OwnershipLoss, StorageAdapter, Writer } from '../../src/core/ports/storage.js';
import type { Transport } from '../../src/core/ports/transport.js';
import type { Clock } from '../../src/core/time/clock.js';
import { Api, type ApiOptions, type Compression, type Entry, type OverflowChooser } from '../../src/index.js';
import type { FilePlatform } from '../../src/storage/file/journal/file-system.js';
import type { WebPlatform } from '../../src/storage/web/lease/lease.js';
import type { WebStorageLike } from '../../src/storage/web/records/keys.js';
import type { FakeEnvironment } from '../support/fakes/fake-environment.js';
import type { DeadBandModel } from './dead-band-model.js';
import type { EncodingModel } from './encoding-model.js';
import type { LaneTurn } from './lane-model.js';
import type { Lifecycle } from './lifecycle.js';
import { type Commit, textOf } from './model.js';
import type { Page } from './origin.js';
import type { PushModel } from './push-model.js';
import type { Schedule } from './schedule.js';
import type { FoundEntry } from './storage-contents.js';

/** A part of every API key, and of nothing else. */
export const KEY_MARK = 'feedface';
export const KEYS = ['1', '2', '3'].map((digit) => `${KEY_MARK}-beef-4bad-8abc-c0ffee15900${digit}`);

export const BINDINGS = [
  { deviceId: '11111111-1111-4111-8111-111111111111', baseUrl: 'https://one.example/api/' },
  { deviceId: '22222222-2222-4222-8222-222222222222', baseUrl: 'https://one.example/api/' },
  { deviceId: '11111111-1111-4111-8111-111111111111', baseUrl: 'https://two.example/' },
] as const;

/** A bug to be planted in the code, or in what it depends on. */
export interface Bug {
  /** Changes the code. @returns The function that undoes it. */
  readonly patch?: () => () => void;
  readonly files?: (platform: FilePlatform) => FilePlatform;
  readonly page?: (storage: WebStorageLike, platform: WebPlatform) => [WebStorageLike, WebPlatform];
  readonly storage?: (storage: StorageAdapter) => StorageAdapter;
  readonly transport?: (transport: Transport) => Transport;
  readonly clock?: (clock: Clock) => Clock;
  readonly compression?: (compression: Compression) => Compression;
  readonly overflow?: (chooser: OverflowChooser) => OverflowChooser;
}

/** A process or a page, and the storage object that the `Api`s in it share. */
export interface Host {
  readonly lifecycle: Lifecycle;
  readonly open: () => StorageAdapter;
  /** Absent for a process. */
  readonly page: Page | undefined;
  /** Whether its page is in the back/forward cache. */
  isHidden: boolean;
  /** Its network state and page lifecycle. */
  readonly environment: FakeEnvironment;
  readonly uploadsAtOnce: number;
  /** When it was frozen last. */
  frozenAt: number;
  /** The total growth of other pages' keys when it last looked at them. */
  grownByOthers: number;
}

/** A batch, and the number of its push. */
export interface Plan {
  readonly batch: readonly QueuedEntry[];
  readonly push: number;
}

/** One `Api`, and its expected state. */
export interface Run {
  readonly api: Api;
  readonly host: Host;
  readonly destination: (typeof BINDINGS)[number];
  /** The destination as one text. */
  readonly destinationText: string;
  /** Its writer's id as of its last ownership check. */
  writer: string;
  /** All ids that its writer has had. */
  readonly writers: Set<string>;
  key: string;
  /** The expected staged values. */
  readonly staged: Map<string, FieldValue>;
  /** The staged values as last saved. */
  savedStaged: readonly Value[];
  /** The ids being restored from quarantine: they are not dropped for it. */
  restoring: ReadonlySet<string>;
  /** The commit in progress, if there are values to commit. */
  pending: Commit | undefined;
  /** During a commit: models it again, after its values have changed. */
  beginAgain: (() => void) | undefined;
  readonly deadBands: DeadBandModel;
  readonly encoding: EncodingModel;
  /** The batch that is sent next, where it is compressed meanwhile. */
  planned: Plan | undefined;
  /** Whether everything automatic is on hold. */
  isHeld: boolean;
  isClosed: boolean;
  isAdopting: boolean;
  uploads: number;
  readonly pushModel: PushModel;
  /** No automatic push starts before this time on the monotonic clock, for backoff or Retry-After. */
  pausedUntil: number;
  /** An urgent commit may bring a push forward to this time. */
  urgentFrom: number;
  /** The turn that the lanes of its last upload allow. */
  turn: LaneTurn | undefined;
  /** The uploads without an answer, with the ids of their entries. */
  readonly inFlightRequests: Map<object, readonly string[]>;
  /** The ids of all entries in flight. */
  inFlight: ReadonlySet<string>;
  /** The logical time of its last ownership check. */
  checkedAt: number;
  /** Its saved entries were deleted by others, and need not be saved again before this time or a check. */
  unsaved: { until: number; isOver: boolean; lastQueue?: readonly string[] } | undefined;
  /** The calls of `push()` that are not settled. */
  readonly pushes: Set<object>;
  /** Its state when it was last read. */
  seen: { committed: number; bytes: number; queue: readonly string[]; warnings: number };
}

/** An entry carried by a `discard` or `drop` event, which a run may restore. */
export interface DiscardedEntry {
  readonly entry: Entry;
  readonly destinationText: string;
}

/** A writer with some of its members changed. */
export function withChanged(writer: Writer, changes: Partial<Writer>): Writer {
  return new Proxy(writer, {
    get(target, name) {
      if (name in changes) return Reflect.get(changes, name);
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

/** A storage that reports the calls of an `Api`. */
export function spyOn(
  storage: StorageAdapter,
  spy: {
    opened(writer: Writer): void;
    checked(loss: OwnershipLoss | undefined, writer: Writer): void;
    savedAgain(): void;
    savedStaged(values: readonly Value[]): void;
    adopt(call: () => Promise<Adoption>): Promise<Adoption>;
    adopted(staged: readonly Value[]): void;
  },
): StorageAdapter {
  return {
    durability: storage.durability,
    open(destination, clock) {
      const writer = storage.open(destination, clock);
      spy.opened(writer);
      return withChanged(writer, {
        check: () => {
          const loss = writer.check();
          spy.checked(loss, writer);
          return loss;
        },
        saveAgain: (entries) => {
          writer.saveAgain(entries);
          spy.savedAgain();
        },
        saveStaged: (values) => {
          spy.savedStaged(values);
          writer.saveStaged(values);
        },
        adopt: async (options) => {
          const adoption = await spy.adopt(() => writer.adopt(options));
          spy.adopted(adoption.staged);
          return adoption;
        },
      });
    },
  };
}

export function openApi(options: ApiOptions, clock: Clock, transport: Transport): Api {
  return new Api(options, { clock, transport });
}

/** Forces the next check to read the queue, as equal counts may hide a change. */
export function invalidateSeen({ seen }: Run): void {
  seen.bytes = Number.NaN;
}

/** The name of a field, as the option `fields` has it where there are dead bands. */
export const nameOf = (fieldId: string, { deadband }: Pick<Schedule, 'deadband'>): string =>
  deadband === undefined ? fieldId : `the field ${fieldId}`;

/** The id of the writer of an entry. */
export const writerOf = (id: string): string => id.slice(0, id.lastIndexOf('-'));

const pairsOf = (values: Entry['values']) => values.map(({ fieldId, value }) => [fieldId, value] as const);

/** The fields of entries. */
export const fieldsOf = (entries: readonly Pick<Entry, 'values'>[]): string[] =>
  entries.flatMap(({ values }) => values.map(({ fieldId }) => fieldId));

/** The entry of a queue or an event, as a storage contains it. */
export function foundEntry({ id, timestamp, values }: Entry, { destinationText }: Run): FoundEntry {
  return { id, timestamp, text: textOf(pairsOf(values)), destination: destinationText };
}
