import type { FieldValue, Value } from '../../src/core/model/value.js';
import type { Adoption, Loss, StorageAdapter, Writer } from '../../src/core/ports/storage.js';
import type { Transport } from '../../src/core/ports/transport.js';
import type { Clock } from '../../src/core/time/clock.js';
import { Api, type ApiOptions, type Entry } from '../../src/index.js';
import type { FilePlatform } from '../../src/storage/file/journal/file-system.js';
import type { WebPlatform } from '../../src/storage/web/lease/lease.js';
import type { WebStorageLike } from '../../src/storage/web/records/keys.js';
import type { FakeEnvironment } from '../support/fakes/fake-environment.js';
import { type Commit, textOf } from './ledger.js';
import type { Life } from './life.js';
import type { Page } from './origin.js';
import type { Found } from './records.js';

/** What all keys have, and nothing else. */
export const KEY_MARK = 'feedface';
export const KEYS = ['1', '2', '3'].map((digit) => `${KEY_MARK}-beef-4bad-8abc-c0ffee15900${digit}`);

export const BINDINGS = [
  { deviceId: '11111111-1111-4111-8111-111111111111', baseUrl: 'https://one.example/api/' },
  { deviceId: '22222222-2222-4222-8222-222222222222', baseUrl: 'https://one.example/api/' },
  { deviceId: '11111111-1111-4111-8111-111111111111', baseUrl: 'https://two.example/' },
] as const;

/** A bug to be planted in what the core or an adapter stands on. */
export interface Bug {
  /** Changes the code itself. @returns What takes that back. */
  readonly patch?: () => () => void;
  readonly files?: (platform: FilePlatform) => FilePlatform;
  readonly page?: (storage: WebStorageLike, platform: WebPlatform) => [WebStorageLike, WebPlatform];
  readonly storage?: (storage: StorageAdapter) => StorageAdapter;
  readonly transport?: (transport: Transport) => Transport;
  readonly clock?: (clock: Clock) => Clock;
}

/** A process or a page, and the storage object that the `Api`s in it share. */
export interface Host {
  readonly life: Life;
  readonly open: () => StorageAdapter;
  /** Absent for a process. */
  readonly page: Page | undefined;
  /** Whether its page is in the back/forward cache. */
  isHidden: boolean;
  /** What it is told of its network and its page. */
  readonly environment: FakeEnvironment;
  readonly uploadsAtOnce: number;
  /** When it was frozen last. */
  frozenAt: number;
  /** How much others' keys had grown in all when it looked at them last. */
  grownByOthers: number;
}

/** One `Api`, and what is known of it. */
export interface Run {
  readonly api: Api;
  readonly host: Host;
  readonly binding: (typeof BINDINGS)[number];
  /** The binding as one text. */
  readonly bindingText: string;
  /** Its writer's id, as of the last time that it asked what had become of what it saved. */
  writer: string;
  /** All that this was. */
  readonly writers: Set<string>;
  key: string;
  /** As they must be. */
  readonly staged: Map<string, FieldValue>;
  /** As they were saved last. */
  savedStaged: readonly Value[];
  /** The ids of what is being put back from quarantine: those are not dropped for it. */
  restoring: ReadonlySet<string>;
  /** The commit under way, as long as it is to be one of something. */
  intended: Commit | undefined;
  isClosed: boolean;
  isAdopting: boolean;
  uploads: number;
  /** What the server refused when it was sent alone. */
  readonly refusedAlone: Set<string>;
  /** Whether the server has accepted something in the push under way. */
  hasAccepted: boolean;
  /** Nothing is pushed by itself before this, on the monotonic clock: bad luck, or the server's word. */
  quietUntil: number;
  /** The uploads that are not answered, and the ids of what they carry. */
  readonly underWay: Map<object, readonly string[]>;
  /** All of those. */
  inFlight: ReadonlySet<string>;
  /** When it asked last what had become of what it saved, by the world's count. */
  checkedAt: number;
  /** What was saved has been deleted underneath, and need not be saved again before a moment, or a check. */
  unsaved: { until: number; isOver: boolean; lastQueue?: readonly string[] } | undefined;
  /** The calls of `push()` that are not settled. */
  readonly pushes: Set<object>;
  /** As it was when it was looked at last. */
  seen: { committed: number; bytes: number; queue: readonly string[]; warnings: number };
}

/** An entry that was thrown away, for someone to put back. */
export interface Thrown {
  readonly entry: Entry;
  readonly bindingText: string;
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

/** A storage that tells what passes between it and an `Api`. */
export function spyOn(
  storage: StorageAdapter,
  spy: {
    opened(writer: Writer): void;
    checked(loss: Loss | undefined, writer: Writer): void;
    savedAgain(): void;
    savedStaged(values: readonly Value[]): void;
    adopt(call: () => Promise<Adoption>): Promise<Adoption>;
    adopted(staged: readonly Value[]): void;
  },
): StorageAdapter {
  return {
    durability: storage.durability,
    open(binding, clock) {
      const writer = storage.open(binding, clock);
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
        adopt: async (atStart) => {
          const adoption = await spy.adopt(() => writer.adopt(atStart));
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

/** As many entries of as many bytes may be others. */
export function lookAnew({ seen }: Run): void {
  seen.bytes = Number.NaN;
}

/** The id of the writer of an entry. */
export const writerOf = (id: string): string => id.slice(0, id.lastIndexOf('-'));

const pairsOf = (values: Entry['values']) => values.map(({ fieldId, value }) => [fieldId, value] as const);

/** A queue's or an event's entry, as a storage would have it. */
export function foundIn({ id, timestamp, values }: Entry, { bindingText }: Run): Found {
  return { id, timestamp, text: textOf(pairsOf(values)), binding: bindingText };
}
