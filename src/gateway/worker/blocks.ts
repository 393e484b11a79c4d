import type { StoredUpload } from '../message.js';
import type { Decision, Failure, ParkedState } from './decision.js';
import { ANY_KEY, type Block, type ParkedDevice } from './parked-devices.js';

type Park = Extract<Decision, { act: 'park' }>;
type Keyed = Pick<StoredUpload, 'keyHash' | 'isVerified'>;

/** A failure of the oldest message that waits with a key. */
export interface FailedHead {
  readonly failure: Failure;
  readonly decision: Park;
  /** The sequence of the message in the stream of parked messages; 0 if it was not parked yet. */
  readonly head: number;
  readonly isVerified: boolean;
}

/**
 * Whether a message has to wait behind parked messages. Messages with keys that upstream never accepted may be anyone's: they hold
 * up no message with another key.
 */
export function isHeld({ blocks }: ParkedDevice, { keyHash }: Keyed): boolean {
  if (blocks[keyHash] || blocks[ANY_KEY]) return true;
  return Object.values(blocks).some(({ isVerified }) => isVerified);
}

/** Anyone may post with any number of keys that upstream never accepted, and the record of a device has at most 64 KiB. */
const MAX_UNVERIFIED = 32;

/** Whether a message with this key can be parked. */
export function hasSpaceFor(parked: ParkedDevice | undefined, { keyHash, isVerified }: Keyed): boolean {
  const blocks = parked?.blocks ?? {};
  if (isVerified || blocks[keyHash]) return true;
  return Object.values(blocks).filter((block) => !block.isVerified).length < MAX_UNVERIFIED;
}

/** The block of a key after a failure: counted anew if it is another message that failed. */
function blockAfter(before: Block | undefined, failed: FailedHead, now: number): Block {
  const { failure, decision, head } = failed;
  const same = isSameHead(before, head) ? before : undefined;
  const counted = decision.isCounted ? 1 : 0;
  return {
    reason: failure.kind,
    message: failure.message,
    status: failure.status,
    isVerified: failed.isVerified || (before?.isVerified ?? false),
    head,
    attempts: (same?.attempts ?? 0) + 1,
    failures: (same?.failures ?? 0) + counted,
    firstFailedAt: same?.firstFailedAt || counted * now,
  };
}

/** The earlier attempts of a parked message. */
export function stateOf(before: Block | undefined, head: number, now: number): ParkedState & { attempts: number } {
  if (before === undefined || !isSameHead(before, head)) return { attempts: 1, failures: 0, sinceFirst: 0 };
  const { attempts, failures, firstFailedAt } = before;
  return { attempts: attempts + 1, failures, sinceFirst: firstFailedAt > 0 ? now - firstFailedAt : 0 };
}

/** The message that was parked first was in the queue when it failed. */
const isSameHead = (before: Block | undefined, head: number): boolean =>
  before !== undefined && before.reason !== 'behind' && (before.head === head || before.head === 0);

/** Reasons for which a newer message helps: its front has stored the key again, or, if upstream accepts it, the older one is proved bad. */
const ENDED_BY_NEWER = new Set<Block['reason']>(['no-key', 'invalid-entries', 'too-large']);

/** @returns The parked device with one more message behind the others; the same object if nothing changes. */
export function withMessageBehind(parked: ParkedDevice, { keyHash, isVerified }: Keyed, now: number): ParkedDevice {
  const block = parked.blocks[keyHash];
  if (block === undefined)
    return { ...parked, retryAt: now, blocks: { ...parked.blocks, [keyHash]: behind(isVerified) } };
  const retryAt = ENDED_BY_NEWER.has(block.reason) ? Math.min(parked.retryAt, now) : parked.retryAt;
  if (retryAt === parked.retryAt && (block.isVerified || !isVerified)) return parked;
  const blocks = { ...parked.blocks, [keyHash]: { ...block, isVerified: block.isVerified || isVerified } };
  return { ...parked, retryAt, blocks };
}

const behind = (isVerified: boolean): Block => ({
  reason: 'behind',
  message: 'older messages of the device wait',
  status: 0,
  isVerified,
  head: 0,
  attempts: 0,
  failures: 0,
  firstFailedAt: 0,
});

/** @returns The device with the blocks of keys that failed. Other keys keep their blocks only while their messages may be left. */
export function withFailures(
  before: ParkedDevice | undefined,
  failed: ReadonlyMap<string, FailedHead>,
  now: number,
  { isThrough }: { readonly isThrough: boolean },
): ParkedDevice {
  const kept = isThrough ? [] : Object.entries(before?.blocks ?? {});
  const added = Array.from(failed, ([key, head]) => [key, blockAfter(before?.blocks[key], head, now)] as const);
  const delays = Array.from(failed.values(), ({ decision }) => decision.retrySeconds * 1000);
  return {
    version: 1,
    since: before?.since ?? now,
    retryAt: Math.round(now + (delays.length > 0 ? Math.min(...delays) : 0)),
    blocks: Object.fromEntries([...kept, ...added]),
  };
}
