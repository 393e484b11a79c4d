import { constants } from 'node:fs';
import { crc32 } from 'node:zlib';
import { Api, type DiscardEvent, StorageException } from '../../src/index.js';
import {
  type Adoption,
  type Answer,
  AutoPush,
  BadEntryFinder,
  BatchPlanner,
  BatchSizer,
  Capacity,
  ClockCorrection,
  DeadBands,
  Emitter,
  Expiry,
  FailingEntry,
  type FilePlatform,
  type FileSystem,
  Hold,
  idFrom,
  Journal,
  Lanes,
  LiveIndex,
  type LocksLike,
  Outbox,
  type PushFailure,
  type StorageAdapter,
  StorageQuota,
  Strikes,
  type Transport,
  UploadSemaphore,
  type UploadSlot,
  type WebStorageLike,
  type Writer,
} from '../support/internals.js';
import { randomOf } from './random.js';
import { BINDINGS, type Bug, KEYS, withChanged } from './run.js';

/** Bugs that a rewrite could introduce. The simulation must find each of them. */
export const BUGS: Readonly<Record<string, Bug>> = {
  'removes by count, not by entry': inOutbox(
    'remove',
    (remove) =>
      function (entries) {
        return remove.call(this, this.oldest(entries.length));
      },
  ),
  'clears the queue after a push': inOutbox(
    'remove',
    (remove) =>
      function () {
        return remove.call(this, [...this]);
      },
  ),
  'acknowledges before the answer': inTransport((send) => (request) => ({
    ...send(request),
    answer: Promise.resolve({ received: true, status: 200, body: '', ...NO_HEADERS }),
  })),
  'begins no record with a newline': inFiles(({ writeSync }) => ({
    writeSync: (fd: number, data: Buffer | string, offset = 0) => {
      const bytes = Buffer.from(data as string).subarray(offset);
      return bytes[0] === 10 ? writeSync(fd, bytes, 1) + 1 : writeSync(fd, bytes);
    },
  })),
  'reuses ids': {
    clock: (clock) => {
      const random = randomOf(1);
      return { ...clock, randomId: () => idFrom(random) };
    },
  },
  'adopts files from the living': {
    files: ({ fs, pid, ...platform }) => ({
      ...platform,
      fs: changed(fs, {
        readFileSync: (path: string | number) => {
          if (/^\/proc\/\d/.test(String(path)) && path !== `/proc/${pid}/stat`) throw failure('ENOENT');
          return fs.readFileSync(path);
        },
      }),
      pid,
      isRunning: () => false,
    }),
  },
  'takes each store of the same process id for a living one': {
    files: ({ openStores = new Set(), ...platform }) => ({
      ...platform,
      openStores: new Proxy(openStores, {
        get: (stores, name) => (name === 'has' ? () => true : Reflect.get(stores, name).bind(stores)),
      }),
    }),
  },
  'reads a dead descriptor before it opens a new file': {
    patch: () =>
      patched(
        Journal.prototype,
        'readIfAlive',
        () =>
          function () {
            return this.read();
          },
      ),
  },
  'adopts keys from the living': {
    page: (storage, platform) => [storage, { ...platform, locks: platform.locks && blind(platform.locks) }],
  },
  'discards adopted entries': {
    patch: () => {
      let isDiscarding = false;
      const undo = [
        patched(
          Emitter.prototype,
          'emit',
          (emit) =>
            function (name, event) {
              emit.call(this, name, event);
              isDiscarding = name === 'discard' && (event as DiscardEvent).reason === 'unauthorized';
            },
        ),
        patched(
          Outbox.prototype,
          'remove',
          (remove) =>
            function (entries) {
              const all = isDiscarding ? [...this].filter(({ origin }) => origin !== 'restored') : entries;
              isDiscarding = false;
              return remove.call(this, all);
            },
        ),
      ];
      return () => {
        for (const one of undo) one();
      };
    },
  },
  'takes a captive portal for the server': inTransport((send) => (request) => {
    const { answer, abort } = send(request);
    const asOurs = answer.then((one) => (one.received ? { ...one, ...NO_HEADERS, body: '{}' } : one));
    return { answer: asOurs, abort };
  }),
  'sends every request twice': inTransport((send) => (request) => {
    send(request);
    return send(request);
  }),
  'sets no deadline': inTransport((send) => (request) => send({ ...request, timeoutSeconds: 1e9 })),
  'leaves the bytes of a failed commit': inFiles(({ ftruncateSync }) => ({
    ftruncateSync: (fd: number, size = 0) => size === 0 && ftruncateSync(fd, size),
  })),
  'believes any checksum': inFiles(({ readFileSync, readSync }) => ({
    readFileSync: (from: string | number) => withRightChecksums(readFileSync(from)),
    readSync: (fd: number, target: Buffer, ...where: [number, number, number]) => {
      const count = readSync(fd, target, ...where);
      withRightChecksums(target).copy(target);
      return count;
    },
  })),
  'loses the record that a read cuts in two': inFiles(({ readSync }) => ({
    readSync: (fd: number, target: Buffer, offset: number, length: number, position: number) => {
      target.fill('\n', 0, offset);
      return readSync(fd, target, offset, length, position);
    },
  })),
  'reads a byte twice between two pieces': inFiles(({ readSync }) => ({
    readSync: (fd: number, target: Buffer, offset: number, length: number, position: number) =>
      readSync(fd, target, offset, length, offset > 0 ? position - 1 : position),
  })),
  'sends entries of another device': {
    storage: ({ durability, open }) => ({
      durability,
      open: (destination, clock) => open({ ...destination, deviceId: BINDINGS[0].deviceId }, clock),
    }),
  },
  'adopts backwards': inAdoption((adoption) => ({ ...adoption, entries: [...adoption.entries].reverse() })),
  'adopts in the order of the clock': inAdoption((adoption) => ({
    ...adoption,
    entries: [...adoption.entries].sort((one, other) => one.timestamp - other.timestamp),
  })),
  'adopts entries twice': inAdoption((adoption) => ({
    ...adoption,
    entries: [...adoption.entries, ...adoption.entries],
  })),
  'adopts all entries but the last': inAdoption((adoption) => ({
    ...adoption,
    entries: adoption.entries.slice(0, -1),
  })),
  'deletes adopted entries': inAdoption((adoption, writer) => {
    writer.remove(adoption.entries);
    return adoption;
  }),
  'looks for orphans only at its start': inWriter((writer) => ({
    adopt: async (options) =>
      options.isFirst ? writer.adopt({ isFirst: true }) : { entries: [], staged: [], warnings: [] },
  })),
  'leaves adopted staged values in the storage': {
    page: (storage, platform) => [
      changedStorage(storage, { removeItem: (key) => key.endsWith('/staged') || storage.removeItem(key) }),
      platform,
    ],
  },
  'restores without the times': inOutbox(
    'requeue',
    (requeue) =>
      function (drafts) {
        return requeue.call(
          this,
          drafts.map((draft) => ({ ...draft, timestamp: 1_795_000_000 })),
        );
      },
  ),
  'clears staged values when a commit fails': {
    patch: () =>
      patched(
        Api.prototype,
        'commit',
        (commit) =>
          function (options) {
            try {
              return commit.call(this, options);
            } catch (error) {
              if (error instanceof StorageException) this.reset();
              throw error;
            }
          },
      ),
  },
  'does not sync commits': inFiles(() => ({ fdatasyncSync: () => {} })),
  'does not sync the folder': inFiles(({ openSync, fsyncSync }) => {
    const folders = new Set<number>();
    return {
      openSync: (path: string, flags: number) => {
        const fd = openSync(path, flags);
        if ((flags & constants.O_DIRECTORY) !== 0) folders.add(fd);
        return fd;
      },
      fsyncSync: (fd: number) => folders.has(fd) || fsyncSync(fd),
    };
  }),
  'deletes unreadable records': inFiles(({ openSync, writeSync }) => {
    const unreadable = new Set<number>();
    return {
      openSync: (path: string, flags: number) => {
        const fd = openSync(path, flags);
        if (path.endsWith('.unreadable')) unreadable.add(fd);
        else unreadable.delete(fd);
        return fd;
      },
      writeSync: (fd: number, data: Buffer, offset = 0) =>
        unreadable.has(fd) ? data.length - offset : writeSync(fd, data, offset),
    };
  }),
  'does not sync a rewritten journal': inFiles(({ openSync, fdatasyncSync }) => {
    const rewritten = new Set<number>();
    return {
      openSync: (path: string, flags: number) => {
        const fd = openSync(path, flags);
        if (path.endsWith('.tmp')) rewritten.add(fd);
        else rewritten.delete(fd);
        return fd;
      },
      fdatasyncSync: (fd: number) => rewritten.has(fd) || fdatasyncSync(fd),
    };
  }),
  'ignores that it was fenced': inWriter(() => ({ check: () => undefined })),
  'presumes other writers dead too soon': { clock: (clock) => ({ ...clock, monotonic: () => clock.monotonic() * 2 }) },
  'writes no heartbeat to its files': inFiles(() => ({ futimesSync: () => {} })),
  'does not save deleted entries again': inWriter(() => ({ saveAgain: () => {} })),
  'drops entries in flight': inOutbox(
    'evictable',
    () =>
      function () {
        return this;
      },
  ),
  'drops the newest entries': inOutbox(
    'evictable',
    () =>
      function () {
        return [...this].reverse();
      },
  ),
  'drops without an event': withoutDiscard('overflow'),
  'sends expired entries': { patch: () => patched(Expiry.prototype, 'expire', () => () => []) },
  'expires entries in flight': { patch: () => patched(Outbox.prototype, 'isCheckedOut', () => () => false) },
  'expires by a clock that is an hour ahead': {
    patch: () => {
      const seconds = Object.getOwnPropertyDescriptor(ClockCorrection.prototype, 'seconds') as PropertyDescriptor;
      const undo = patched(
        Expiry.prototype,
        'expire',
        (expire) =>
          function (read) {
            Object.defineProperty(ClockCorrection.prototype, 'seconds', {
              get() {
                return (seconds.get?.call(this) as number) + 3600;
              },
              configurable: true,
            });
            try {
              return expire.call(this, read);
            } finally {
              Object.defineProperty(ClockCorrection.prototype, 'seconds', seconds);
            }
          },
      );
      return undo;
    },
  },
  'expires without an event': withoutDiscard('expired'),
  'starves the backlog': { patch: () => patched(BatchPlanner.prototype, 'onStored', () => () => {}) },
  'takes urgent entries for any others': {
    patch: () =>
      patched(
        Lanes.prototype,
        'add',
        (add) =>
          function (entry) {
            add.call(this, entry, false);
          },
      ),
  },
  'takes live entries for urgent ones': {
    patch: () =>
      patched(
        Lanes.prototype,
        'add',
        (add) =>
          function (entry) {
            add.call(this, entry, true);
          },
      ),
  },
  'keeps entries in their lane after they left': { patch: () => patched(Lanes.prototype, 'remove', () => () => {}) },
  'sends each lane newest first': {
    patch: () =>
      patched(
        Lanes.prototype,
        'inOrder',
        (inOrder) =>
          function (...given) {
            return this.isActive ? [...inOrder.call(this, ...given)].reverse() : inOrder.call(this, ...given);
          },
      ),
  },
  'thins entries that must stay': { overflow: ({ choose }) => ({ choose: (entries) => choose(entries, () => false) }) },
  'thins neighbours at once': {
    overflow: ({ choose }) => ({
      choose: (entries, isKept) => {
        const count = choose(entries, isKept).length;
        return entries.filter((entry) => !isKept(entry)).slice(0, count + 1);
      },
    }),
  },
  'thins the newest entries': {
    overflow: ({ choose }) => ({
      choose: (entries, isKept) => {
        const [first] = choose(entries, isKept);
        return first?.rejection === undefined ? entries.slice(-1) : [first];
      },
    }),
  },
  'queues more than maxQueuedEntries and maxQueuedBytes': {
    patch: () => patched(Capacity.prototype, 'fits', () => () => true),
  },
  'counts only the quota of its own page': {
    patch: () => patched(StorageQuota.prototype, 'foundOthers', () => () => {}),
  },
  'compacts queued entries away': {
    patch: () =>
      patched(
        LiveIndex.prototype,
        'isLive',
        (isLive) =>
          function (writer, sequence) {
            return sequence !== 2 && isLive.call(this, writer, sequence);
          },
      ),
  },
  'releases a file before it is written': { patch: () => patched(Journal.prototype, 'saveAll', () => () => {}) },
  'quarantines on suspicion': {
    patch: () =>
      patched(
        BadEntryFinder.prototype,
        'settle',
        (settle) =>
          function (batch, verdict, now) {
            const settlement = settle.call(this, batch, verdict, now);
            const [entry] = batch;
            if (verdict.kind !== 'invalid-entries' || batch.length > 1 || entry === undefined) return settlement;
            return { ...settlement, quarantine: { entry, rejection: { status: 400, reason: verdict.message } } };
          },
      ),
  },
  'loses quarantined entries': inOutbox(
    'moveToQuarantine',
    (moveToQuarantine) =>
      function (...given) {
        const shown = moveToQuarantine.call(this, ...given);
        if (shown) this.removeQuarantined([shown.id]);
        return shown;
      },
  ),
  'does not adopt quarantined entries': inAdoption((adoption) => ({
    ...adoption,
    entries: adoption.entries.filter(({ rejection }) => rejection === undefined),
  })),
  'never shrinks a batch': { patch: () => patched(BatchSizer.prototype, 'shrink', () => () => {}) },
  'is blocked by the first bad entry': {
    patch: () =>
      patched(
        BadEntryFinder.prototype,
        'plan',
        (plan) => (candidates, limits) => plan.call(new BadEntryFinder(), candidates, limits),
      ),
  },
  'skips good entries': {
    patch: () =>
      patched(
        BadEntryFinder.prototype,
        'plan',
        (plan) =>
          function (candidates, limits) {
            const [first, ...others] = candidates;
            return plan.call(this, first && others.length === 0 ? [first] : others, limits);
          },
      ),
  },
  'gives strikes without an acceptance': {
    patch: () =>
      patched(
        BadEntryFinder.prototype,
        'settle',
        (settle) =>
          function (batch, verdict, now) {
            const isTrial = verdict.suspect !== undefined && batch.some((entry) => this.hasStrikes(entry));
            const settlement = settle.call(this, batch, verdict, now);
            const stored = { kind: 'stored', message: '' } as const;
            return isTrial ? { ...settle.call(this, [], stored, now), ...settlement } : settlement;
          },
      ),
  },
  'gives strikes in quick succession': {
    patch: () =>
      patched(
        Strikes.prototype,
        'confirm',
        (confirm) =>
          function () {
            return confirm.call(this, Number.POSITIVE_INFINITY);
          },
      ),
  },
  'gives two strikes for the first failure': {
    patch: () =>
      patched(
        Strikes.prototype,
        'add',
        (add) =>
          function (entry, now) {
            add.call(this, entry, now);
            this.fail({ entry, rejection: { status: 0, reason: '' } });
            this.confirm(now + 60_000);
          },
      ),
  },
  'never releases a checkout': inOutbox(
    'checkOut',
    (checkOut) =>
      function (entries) {
        const checkout = checkOut.call(this, entries);
        return checkout && { ...checkout, release: () => {} };
      },
  ),
  'releases a checkout before the response': inOutbox(
    'checkOut',
    (checkOut) =>
      function (entries) {
        const checkout = checkOut.call(this, entries);
        checkout?.release();
        return checkout;
      },
  ),
  'checks out entries without a check of ownership': inOutbox(
    'checkOut',
    (checkOut) =>
      function (entries) {
        const { reconcile } = this;
        this.reconcile = () => false;
        const checkout = checkOut.call(this, entries);
        this.reconcile = reconcile;
        return checkout;
      },
  ),
  'discards without a confirmation': inTransport((send) => (request) => {
    if (!request.body?.endsWith('"entries":[]}')) return send(request);
    const answer: Promise<Answer> = Promise.resolve({ received: true, status: 401, body: '', ...NO_HEADERS });
    return { answer, abort: () => {} };
  }),
  'names entries by their place in the body': inTransport((send) => (request) => {
    const ids = request.headers['x-entry-ids'];
    const named = ids?.replace(/\/[\d,-]+/g, '/1');
    const count = request.body?.split('"values"').length ?? 1;
    return send(
      ids ? { ...request, headers: { ...request.headers, 'x-entry-ids': placesOf(named, count - 1) } } : request,
    );
  }),
  'names each request anew': inTransport((send) => (request) => {
    const ids = request.headers['x-entry-ids'];
    anew += 1;
    return send(
      ids
        ? { ...request, headers: { ...request.headers, 'x-entry-ids': ids.replace(/\w+\//g, `anew${anew}/`) } }
        : request,
    );
  }),
  'pushes while everything automatic is paused': {
    patch: () => {
      const isOn = Object.getOwnPropertyDescriptor(Hold.prototype, 'isOn') as PropertyDescriptor;
      let isForStatus = false;
      // The status still says that it is paused.
      const undo = patched(
        Api.prototype,
        'status',
        (status) =>
          function () {
            isForStatus = true;
            try {
              return status.call(this);
            } finally {
              isForStatus = false;
            }
          },
      );
      Object.defineProperty(Hold.prototype, 'isOn', {
        get() {
          return isForStatus && isOn.get?.call(this);
        },
        configurable: true,
      });
      return () => {
        Object.defineProperty(Hold.prototype, 'isOn', isOn);
        undo();
      };
    },
  },
  'compares with the last value of a field, committed or not': {
    patch: () =>
      patched(
        DeadBands.prototype,
        'select',
        (select) =>
          function (values) {
            const selected = select.call(this, values);
            this.onCommitted(values, 0);
            return selected;
          },
      ),
  },
  'takes a compressed upload for stored that the server refused': {
    compression: ({ open }) => ({
      open: (warnings) => {
        const compressor = open(warnings);
        return {
          post: (body, send) =>
            compressor.post(body, async (compressed) => {
              const verdict = await send(compressed);
              return compressed ? { ...verdict, kind: 'stored' } : verdict;
            }),
        };
      },
    }),
  },
  'never repeats a compressed upload plainly': {
    compression: ({ open }) => ({
      open: (warnings) => {
        const compressor = open(warnings);
        return {
          post: async (body, send) => {
            let last: ReturnType<typeof send> | undefined;
            return compressor.post(body, (compressed) => (last ??= send(compressed)));
          },
        };
      },
    }),
  },
  'never shrinks a batch after cut-offs': {
    patch: () =>
      patched(
        BatchSizer.prototype,
        'shrink',
        (shrink) =>
          function (batch, cause = {}) {
            if (!cause.isCutOff) shrink.call(this, batch, cause);
          },
      ),
  },
  'changes the order in an outage': {
    patch: () =>
      patched(
        FailingEntry.prototype,
        'fail',
        (fail) =>
          function (entry) {
            return [1, 2, 3].map(() => this.skipped === undefined && fail.call(this, entry)).includes(true);
          },
      ),
  },
  'corrects times for every clock jump': {
    patch: () =>
      patched(
        ClockCorrection.prototype,
        'timeOf',
        () =>
          function ({ timestamp }, then) {
            const jump = then === undefined ? 0 : this.epoch.ahead - then.ahead;
            return Math.max(0, timestamp + Math.round(jump / 1000));
          },
      ),
  },
  'ignores Retry-After': inFailures((failure) => ({
    ...failure,
    exception: Object.create(failure.exception, { retryAfter: { value: undefined } }),
  })),
  'goes on pushing after 401 or 403': inFailures((failure) => ({ ...failure, kind: 'transient' })),
  'takes a dispatched unload request for stored': inTransport((send) => (request) => {
    const exchange = send(request);
    if (!request.keepalive) return exchange;
    return { ...exchange, answer: Promise.resolve({ received: true, status: 200, body: '', ...NO_HEADERS }) };
  }),
  'never releases its upload slot': inUploadSlots((slot) => ({ take: slot.take, release: () => {} })),
  'uploads without a free slot': inUploadSlots((slot) => ({ take: () => void slot.take(), release: slot.release })),
  'leaks timers': {
    clock: (clock) => ({
      ...clock,
      setTimer: (...timer) => {
        clock.setTimer(...timer);
        return () => {};
      },
    }),
  },
  'shows the key in an event': {
    patch: () =>
      patched(
        Emitter.prototype,
        'emit',
        (emit) =>
          function (name, event) {
            emit.call(
              this,
              name,
              (name === 'discard' ? { ...(event as object), message: KEYS.join() } : event) as never,
            );
          },
      ),
  },
};

const NO_HEADERS = { contentType: undefined, retryAfter: undefined, date: undefined } as const;
const failure = (code: string): Error => Object.assign(new Error(code), { code });

/** Locks that report no living tab. */
function blind(locks: LocksLike): LocksLike {
  return {
    request: (name, options, callback) =>
      options.ifAvailable ? Promise.resolve(callback({})) : locks.request(name, options, callback),
    query: async () => ({}),
  };
}

type Arguments<Method> = Method extends (...args: infer Args) => unknown ? Args : never;

/** Replaces a method. @returns The function that restores it. */
function patched<Target extends object, Name extends keyof Target>(
  target: Target,
  name: Name,
  change: (original: Target[Name]) => (this: Target, ...args: Arguments<Target[Name]>) => unknown,
): () => void {
  const original = target[name];
  target[name] = change(original) as Target[Name];
  return () => {
    target[name] = original;
  };
}

function inOutbox<Name extends 'remove' | 'adopt' | 'requeue' | 'checkOut' | 'evictable' | 'moveToQuarantine'>(
  name: Name,
  change: (original: Outbox[Name]) => (this: Outbox, ...args: Parameters<Outbox[Name]>) => ReturnType<Outbox[Name]>,
): Bug {
  return { patch: () => patched(Outbox.prototype, name, change as never) };
}

function withoutDiscard(reason: DiscardEvent['reason']): Bug {
  return {
    patch: () =>
      patched(
        Emitter.prototype,
        'emit',
        (emit) =>
          function (name, event) {
            const isLeftOut = name === 'discard' && (event as DiscardEvent).reason === reason;
            if (!isLeftOut) emit.call(this, name, event as never);
          },
      ),
  };
}

function inFailures(change: (failure: PushFailure) => PushFailure): Bug {
  return {
    patch: () =>
      patched(
        AutoPush.prototype,
        'onPushEnded',
        (onPushEnded) =>
          function ({ result, failure }) {
            onPushEnded.call(this, { result, failure: failure && change(failure) });
          },
      ),
  };
}

function inUploadSlots(change: (slot: UploadSlot) => UploadSlot): Bug {
  return {
    patch: () =>
      patched(
        UploadSemaphore.prototype,
        'open',
        (open) =>
          function (server) {
            return change(open.call(this, server));
          },
      ),
  };
}

let anew = 0;

const placesOf = (named = '', count: number): string => `${named.split('/')[0]}/1${count > 1 ? `-${count}` : ''}`;

function inTransport(change: (send: Transport['send']) => Transport['send']): Bug {
  return { transport: ({ send }) => ({ send: change(send) }) };
}

function inFiles(change: (fs: FileSystem) => Partial<Record<keyof FileSystem, unknown>>): Bug {
  return { files: (platform: FilePlatform) => ({ ...platform, fs: changed(platform.fs, change(platform.fs)) }) };
}

function changed(fs: FileSystem, members: Partial<Record<keyof FileSystem, unknown>>): FileSystem {
  return { ...fs, ...members } as FileSystem;
}

function inWriter(change: (writer: Writer) => Partial<Writer>): Bug {
  return {
    storage: ({ durability, open }: StorageAdapter) => ({
      durability,
      open: (destination, clock) => {
        const writer = open(destination, clock);
        return withChanged(writer, change(writer));
      },
    }),
  };
}

function inAdoption(change: (adoption: Adoption, writer: Writer) => Adoption): Bug {
  return inWriter((writer) => ({ adopt: async (options) => change(await writer.adopt(options), writer) }));
}

function changedStorage(storage: WebStorageLike, changes: Partial<WebStorageLike>): WebStorageLike {
  const { key, getItem, setItem, removeItem } = storage;
  return {
    key,
    getItem,
    setItem,
    removeItem,
    ...changes,
    get length() {
      return storage.length;
    },
  };
}

/** Corrects the checksum of each line. */
function withRightChecksums(bytes: Buffer): Buffer {
  const start = /^1 [\da-f]{8} [WECRS] /;
  const lines = bytes.toString('latin1').split('\n');
  const right = lines.map((line) =>
    start.test(line)
      ? `1 ${crc32(Buffer.from(line.slice(11), 'latin1'))
          .toString(16)
          .padStart(8, '0')} ${line.slice(11)}`
      : line,
  );
  return Buffer.from(right.join('\n'), 'latin1');
}
