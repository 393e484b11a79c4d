import { backoffSeconds, type Outcome, retryPolicy } from '../../core/time/retry-policy.js';

/** The reason why entries of a message are neither stored nor quarantined. */
export interface Failure {
  /** `no-key`: the key of the message is unknown or sealed. `unknown-version`: another version wrote the message. */
  readonly kind: Exclude<Outcome['kind'], 'stored'> | 'no-key' | 'unknown-version';
  readonly message: string;
  /** The HTTP status; 0 if there was no response. */
  readonly status: number;
  /** In seconds. */
  readonly retryAfter?: number | undefined;
}

/** Everything that the fate of a message depends on after one attempt. */
export interface Situation {
  /** Absent if each entry is stored or quarantined. */
  readonly failure?: Failure | undefined;
  /** The time since a push of another device was stored, in milliseconds; infinite if it is no evidence that upstream works. */
  readonly sinceOtherStored: number;
  /** How often the message was delivered from the queue, this attempt included; how often it was tried, if it is parked. */
  readonly attempts: number;
  /** How many devices were parked on suspicion since a push was stored. */
  readonly suspects: number;
  /** Present if the message is parked. */
  readonly parked?: ParkedState | undefined;
  /** At least 0, less than 1. */
  readonly random: number;
}

/** The earlier attempts of a parked message. */
export interface ParkedState {
  /** The attempts that failed while pushes of other devices were stored. */
  readonly failures: number;
  /** The time since the first of them, in milliseconds; 0 if there is none. */
  readonly sinceFirst: number;
}

/** The fate of a message. */
export type Decision =
  | { readonly act: 'ack' }
  /** Upstream is away: the partition waits. */
  | { readonly act: 'nak'; readonly seconds: number }
  /** The device is in trouble: its messages wait apart. */
  | {
      readonly act: 'park';
      readonly retrySeconds: number;
      /** Whether the failure is evidence against the message. */
      readonly isCounted: boolean;
      /** Whether there is no evidence against the device but the time for which it held up its partition. */
      readonly isSuspicion: boolean;
    }
  | { readonly act: 'quarantine' };

/** A push of another device within this time shows that upstream works. */
const EVIDENCE_MS = 60_000;
const MAX_NAK_SECONDS = 30;
const MAX_FAILURES = 10;
const MIN_FAILING_MS = 3_600_000;
/** After so many attempts without any evidence a device is parked on suspicion; each further one needs twice as many. */
const SUSPICIOUS_ATTEMPTS = 5;
/** Failures that only a person can end: tried again every 15 to 60 minutes. */
const SLOW = new Set<Failure['kind']>(['unauthorized', 'rejected', 'no-key', 'unknown-version']);

/** Decides about a message after one attempt. Total, and never a loss: a message ends by `ack` only without a failure. */
export function decide(situation: Situation): Decision {
  const { failure, sinceOtherStored, parked } = situation;
  if (failure === undefined) return { act: 'ack' };
  const isEvidence = sinceOtherStored <= EVIDENCE_MS;
  if (parked !== undefined) return decideParked(failure, situation, parked, isEvidence);
  const isSuspicion = !isEvidence && !isLocal(failure) && isSuspicious(situation);
  if (isEvidence || isLocal(failure) || isSuspicion)
    return {
      act: 'park',
      retrySeconds: retrySeconds(failure, 1, situation.random),
      isCounted: isEvidence,
      isSuspicion,
    };
  return { act: 'nak', seconds: Math.min(backoffSeconds(situation.attempts, situation.random), MAX_NAK_SECONDS) };
}

function decideParked(
  failure: Failure,
  { attempts, random }: Situation,
  { failures, sinceFirst }: ParkedState,
  isEvidence: boolean,
): Decision {
  const isLast = isEvidence && failures + 1 >= MAX_FAILURES && sinceFirst >= MIN_FAILING_MS;
  if (isLast && failure.kind !== 'unknown-version') return { act: 'quarantine' };
  return {
    act: 'park',
    retrySeconds: retrySeconds(failure, attempts, random),
    isCounted: isEvidence,
    isSuspicion: false,
  };
}

/** Whether the failure is one of the message, and upstream has no part in it. */
const isLocal = ({ kind }: Failure): boolean => kind === 'no-key' || kind === 'unknown-version';

/** A gateway with one partition would wait for ever for evidence behind a device that is refused. */
const isSuspicious = ({ attempts, suspects }: Situation): boolean => attempts >= SUSPICIOUS_ATTEMPTS * 2 ** suspects;

function retrySeconds({ kind, retryAfter }: Failure, attempts: number, random: number): number {
  return retryPolicy({ kind: SLOW.has(kind) ? 'rejected' : 'transient', retryAfter }, attempts, random).seconds;
}
