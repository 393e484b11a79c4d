import { crc32 } from 'node:zlib';
import { Emitter } from '../../src/core/notify/emitter.js';
import { Outbox } from '../../src/core/outbox/outbox.js';
import type { UploadSlot } from '../../src/core/ports/environment.js';
import type { Adoption, StorageAdapter, Writer } from '../../src/core/ports/storage.js';
import type { Transport } from '../../src/core/ports/transport.js';
import { AutoPush } from '../../src/core/push/auto-push.js';
import { BatchSizer } from '../../src/core/push/batch-sizer.js';
import { Isolation } from '../../src/core/push/isolation.js';
import type { Failure, PushResult } from '../../src/core/push/push-run.js';
import { UploadSemaphore } from '../../src/core/push/upload-semaphore.js';
import { ClockCorrection } from '../../src/core/time/clock-correction.js';
import { Api, StorageException } from '../../src/index.js';
import type { FilePlatform, FileSystem } from '../../src/storage/file/journal/file-system.js';
import { Journal } from '../../src/storage/file/journal/journal.js';
import { LiveIndex } from '../../src/storage/file/journal/live-index.js';
import { idFrom } from '../../src/storage/shared/random-id.js';
import type { LocksLike } from '../../src/storage/web/lease/lock-lease.js';
import type { WebStorageLike } from '../../src/storage/web/records/keys.js';
import { StorageQuota } from '../../src/storage/web/records/quota.js';
import { randomOf } from './random.js';
import { BINDINGS, type Bug, KEYS, withChanged } from './run.js';

/** Bugs that a rewrite could bring. The simulation must find each. */
export const BUGS: Readonly<Record<string, Bug>> = {
  'removes by count, not by entry': inQueue(
    'remove',
    (remove) =>
      function (entries) {
        return remove.call(this, this.oldest(entries.length));
      },
  ),
  'clears the queue after a push': inQueue(
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
  'uses ids again': {
    clock: (clock) => {
      const random = randomOf(1);
      return { ...clock, randomId: () => idFrom(random) };
    },
  },
  'adopts files from the living': {
    files: ({ fs, pid }) => ({
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
  'adopts keys from the living': {
    page: (storage, platform) => [storage, { ...platform, locks: platform.locks && blind(platform.locks) }],
  },
  'throws away what was adopted': {
    patch: () => {
      let isDiscarding = false;
      const undo = [
        patched(
          Emitter.prototype,
          'emit',
          (emit) =>
            function (name, event) {
              emit.call(this, name, event);
              isDiscarding = name === 'discard';
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
  'takes a portal for the server': inTransport((send) => (request) => {
    const { answer, abort } = send(request);
    const asOurs = answer.then((one) => (one.received ? { ...one, ...NO_HEADERS, body: '{}' } : one));
    return { answer: asOurs, abort };
  }),
  'sends twice at once': inTransport((send) => (request) => {
    send(request);
    return send(request);
  }),
  'sets no deadline': inTransport((send) => (request) => send({ ...request, timeoutSeconds: 1e9 })),
  'leaves what a failed commit wrote': inFiles(({ ftruncateSync }) => ({
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
  'sends what was committed for another device': {
    storage: ({ durability, open }) => ({
      durability,
      open: (binding, clock) => open({ ...binding, deviceId: BINDINGS[0].deviceId }, clock),
    }),
  },
  'adopts backwards': inAdoption((adoption) => ({ ...adoption, entries: [...adoption.entries].reverse() })),
  'adopts in the order of the clock': inAdoption((adoption) => ({
    ...adoption,
    entries: [...adoption.entries].sort((one, other) => one.timestamp - other.timestamp),
  })),
  'deletes what it adopts': inAdoption((adoption, writer) => {
    writer.remove(adoption.entries);
    return adoption;
  }),
  'looks for the dead at its start alone': inWriter((writer) => ({
    adopt: async (atStart) => (atStart ? writer.adopt(true) : { entries: [], staged: [], warnings: [] }),
  })),
  'leaves adopted staged values in the storage': {
    page: (storage, platform) => [
      changedStorage(storage, { removeItem: (key) => key.endsWith('/staged') || storage.removeItem(key) }),
      platform,
    ],
  },
  'restores without the times': inQueue(
    'restore',
    (restore) =>
      function (entries) {
        return restore.call(
          this,
          entries.map((entry) => ({ ...entry, timestamp: 1_795_000_000 })),
        );
      },
  ),
  'forgets staged values when a commit fails': {
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
      openSync: (path: string, flags: string) => {
        const fd = openSync(path, flags);
        if (flags === 'r') folders.add(fd);
        return fd;
      },
      fsyncSync: (fd: number) => folders.has(fd) || fsyncSync(fd),
    };
  }),
  'deletes what it can not read': inFiles(({ openSync, writeSync }) => {
    const aside = new Set<number>();
    return {
      openSync: (path: string, flags: string) => {
        const fd = openSync(path, flags);
        if (path.endsWith('.unreadable')) aside.add(fd);
        else aside.delete(fd);
        return fd;
      },
      writeSync: (fd: number, data: Buffer, offset = 0) =>
        aside.has(fd) ? data.length - offset : writeSync(fd, data, offset),
    };
  }),
  'does not sync what it rewrote': inFiles(({ openSync, fsyncSync }) => {
    const rewritten = new Set<number>();
    return {
      openSync: (path: string, flags: string) => {
        const fd = openSync(path, flags);
        if (path.endsWith('.tmp')) rewritten.add(fd);
        else rewritten.delete(fd);
        return fd;
      },
      fsyncSync: (fd: number) => rewritten.has(fd) || fsyncSync(fd),
    };
  }),
  'goes on as if nothing had been taken': inWriter(() => ({ check: () => undefined })),
  'presumes dead too soon': { clock: (clock) => ({ ...clock, monotonic: () => clock.monotonic() * 2 }) },
  'does not touch its files': inFiles(() => ({ utimesSync: () => {} })),
  'does not save again what was deleted': inWriter(() => ({ saveAgain: () => {} })),
  'drops what is being uploaded': inQueue(
    'evictable',
    () =>
      function (count) {
        return this.oldest(count);
      },
  ),
  'drops the newest': inQueue(
    'evictable',
    () =>
      function (count) {
        return [...this].slice(-count);
      },
  ),
  'drops without an event': {
    patch: () =>
      patched(
        Emitter.prototype,
        'emit',
        (emit) =>
          function (name, event) {
            if (name !== 'drop') emit.call(this, name, event as never);
          },
      ),
  },
  'queues more than it may': {
    patch: () => {
      const capacityLeft = Object.getOwnPropertyDescriptor(Outbox.prototype, 'capacityLeft') as PropertyDescriptor;
      Object.defineProperty(Outbox.prototype, 'capacityLeft', { get: () => 1, configurable: true });
      return () => void Object.defineProperty(Outbox.prototype, 'capacityLeft', capacityLeft);
    },
  },
  'counts the room of its own page alone': {
    patch: () => patched(StorageQuota.prototype, 'foundOthers', () => () => {}),
  },
  'erases in place what is wanted': {
    patch: () =>
      patched(
        LiveIndex.prototype,
        'wants',
        (wants) =>
          function (writer, sequence) {
            return sequence !== 2 && wants.call(this, writer, sequence);
          },
      ),
  },
  'gives back a file before it is written': { patch: () => patched(Journal.prototype, 'saveAll', () => () => {}) },
  'quarantines on suspicion': {
    patch: () =>
      patched(
        Isolation.prototype,
        'refused',
        (refused) =>
          function (batch) {
            return refused.call(this, batch) ?? (batch.length === 1 ? batch[0] : undefined);
          },
      ),
  },
  'forgets what it sets aside': inQueue(
    'moveToQuarantine',
    (moveToQuarantine) =>
      function (...given) {
        const shown = moveToQuarantine.call(this, ...given);
        if (shown) this.removeQuarantined([shown.id]);
        return shown;
      },
  ),
  'leaves quarantined entries to nobody': inAdoption((adoption) => ({
    ...adoption,
    entries: adoption.entries.filter(({ refusal }) => refusal === undefined),
  })),
  'never sends less': { patch: () => patched(BatchSizer.prototype, 'shrink', () => () => {}) },
  'is held up by the first bad entry': {
    patch: () => patched(Isolation.prototype, 'next', () => (waiting, count) => waiting(count)),
  },
  'passes good entries by': {
    patch: () =>
      patched(
        Isolation.prototype,
        'next',
        (next) =>
          function (waiting, count) {
            return next.call(this, (most) => waiting(most + 1).slice(waiting(2).length > 1 ? 1 : 0), count);
          },
      ),
  },
  'moves the times of every jump': {
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
  'pays no heed to Retry-After': inFailures((failure) => ({
    ...failure,
    exception: Object.create(failure.exception, { retryAfter: { value: undefined } }),
  })),
  'pushes on after refused credentials': inFailures((failure) => ({ ...failure, kind: 'transient' })),
  'takes what leaves with a page for stored': inTransport((send) => (request) => {
    const exchange = send(request);
    if (!request.keepalive) return exchange;
    return { ...exchange, answer: Promise.resolve({ received: true, status: 200, body: '', ...NO_HEADERS }) };
  }),
  'never gives back its turn to upload': inSlots((slot) => ({ take: slot.take, release: () => {} })),
  'uploads before its turn': inSlots((slot) => ({ take: () => void slot.take(), release: slot.release })),
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

/** Locks that tell that nobody lives. */
function blind(locks: LocksLike): LocksLike {
  return {
    request: (name, options, callback) =>
      options.ifAvailable ? Promise.resolve(callback({})) : locks.request(name, options, callback),
    query: async () => ({}),
  };
}

type Arguments<Method> = Method extends (...args: infer Args) => unknown ? Args : never;

/** Replaces a method. @returns What puts it back. */
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

function inQueue<Name extends 'remove' | 'adopt' | 'restore' | 'evictable' | 'moveToQuarantine'>(
  name: Name,
  change: (original: Outbox[Name]) => (this: Outbox, ...args: Parameters<Outbox[Name]>) => ReturnType<Outbox[Name]>,
): Bug {
  return { patch: () => patched(Outbox.prototype, name, change as never) };
}

function inFailures(change: (failure: Failure) => Failure): Bug {
  return {
    patch: () =>
      patched(
        AutoPush.prototype,
        'onPushEnded',
        (onPushEnded) =>
          function (result: PushResult, failure: Failure | undefined) {
            onPushEnded.call(this, result, failure && change(failure));
          },
      ),
  };
}

function inSlots(change: (slot: UploadSlot) => UploadSlot): Bug {
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
      open: (binding, clock) => {
        const writer = open(binding, clock);
        return withChanged(writer, change(writer));
      },
    }),
  };
}

function inAdoption(change: (adoption: Adoption, writer: Writer) => Adoption): Bug {
  return inWriter((writer) => ({ adopt: async (atStart) => change(await writer.adopt(atStart), writer) }));
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

/** Each line with the checksum that it ought to have. */
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
