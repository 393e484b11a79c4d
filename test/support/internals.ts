/*
 * The classes whose methods the tests replace, and the types of those methods. A test that patches code imports it from
 * here, so that a class that moves changes one import.
 */
export { Emitter, type PushFailure } from '../../src/core/notify/emitter.js';
export { Capacity } from '../../src/core/outbox/capacity.js';
export { Discarder } from '../../src/core/outbox/discarder.js';
export { Expiry } from '../../src/core/outbox/expiry.js';
export { Lanes } from '../../src/core/outbox/lanes.js';
export { Outbox } from '../../src/core/outbox/outbox.js';
export type { UploadSlot } from '../../src/core/ports/environment.js';
export type { Adoption, StorageAdapter, Writer } from '../../src/core/ports/storage.js';
export type { Answer, Transport } from '../../src/core/ports/transport.js';
export { AutoPush } from '../../src/core/push/auto-push.js';
export { BadEntryFinder } from '../../src/core/push/bad-entry-finder.js';
export { BatchPlanner } from '../../src/core/push/batch-planner.js';
export { BatchSizer } from '../../src/core/push/batch-sizer.js';
export { FailingEntry } from '../../src/core/push/failing-entry.js';
export { Hold } from '../../src/core/push/hold.js';
export { Strikes } from '../../src/core/push/strikes.js';
export { UploadSemaphore } from '../../src/core/push/upload-semaphore.js';
export { DeadBands } from '../../src/core/staging/dead-bands.js';
export { ClockCorrection } from '../../src/core/time/clock-correction.js';
export type { FilePlatform, FileSystem } from '../../src/storage/file/journal/file-system.js';
export { Journal } from '../../src/storage/file/journal/journal.js';
export { LiveIndex } from '../../src/storage/shared/journal/live-index.js';
export { idFrom } from '../../src/storage/shared/random-id.js';
export type { LocksLike } from '../../src/storage/web/lease/lock-lease.js';
export type { WebStorageLike } from '../../src/storage/web/records/keys.js';
export { StorageQuota } from '../../src/storage/web/records/quota.js';
