import { GatewayException } from './gateway-exception.js';
import type { Alarm } from './news.js';

/** The reason why a stream or bucket refused a request, in words that hold nothing of the request. */
export interface StreamFailure {
  readonly reason: string;
  /** Present if waiting does not help. */
  readonly alarm?: Alarm | undefined;
  /** Whether only uploads of the same device fail. */
  readonly isOfDevice?: boolean;
}

/** JetStream's code for a stream that does not exist. */
const STREAM_NOT_FOUND = 10_059;
/** A size that exceeds `max_file` of a server, of a cluster, or, among other causes, of all servers that a stream could be placed on. */
const SERVER_EXCEEDED = 10_023;
const CLUSTER_EXCEEDED = 10_047;
const NO_PLACE = 10_005;

/** The codes of JetStream's errors. */
const REASONS: Readonly<Record<number, StreamFailure>> = {
  [SERVER_EXCEEDED]: { reason: 'the servers have no space left', alarm: 'stream-full' },
  [CLUSTER_EXCEEDED]: { reason: 'the servers have no space left', alarm: 'stream-full' },
  [STREAM_NOT_FOUND]: { reason: 'the stream is missing', alarm: 'stream-missing' },
  10060: { reason: 'another stream takes the subject', alarm: 'stream-missing' },
};

/** Errors of the store itself have one code for all and differ by their text. */
const TEXTS: readonly (readonly [RegExp, StreamFailure])[] = [
  [/maximum bytes exceeded|maximum messages exceeded/, { reason: 'the stream is full', alarm: 'stream-full' }],
  [/per subject exceeded/, { reason: 'the device has too much in the queue', isOfDevice: true }],
  [/no responders/i, { reason: 'no stream answers' }],
];

/** Classifies an error of JetStream. @returns `undefined` for an error that is none of the known ones. */
export function streamFailureOf(error: unknown): StreamFailure | undefined {
  const { name, message, code } = (error ?? {}) as { name?: string; message?: string; code?: number };
  return REASONS[code ?? 0] ?? TEXTS.find(([text]) => text.test(`${name} ${message}`))?.[1];
}

/** The exception about a message that the queue has no space for; other errors as they are. */
export function noSpaceException(cause: unknown, describe: (reason: string) => string): unknown {
  const failure = streamFailureOf(cause);
  if (failure === undefined) return cause;
  return new GatewayException(
    describe(failure.reason),
    'Nothing is lost. Try again once the queue is shorter: see nikdev-iot gateway status.',
    { cause, isTemporary: true },
  );
}

/** Whether a stream, or the stream of a bucket, does not exist. */
export const isStreamMissing = (error: unknown): boolean =>
  (error as { code?: unknown } | null)?.code === STREAM_NOT_FOUND;

const OUT_OF_SPACE: ReadonlySet<unknown> = new Set([SERVER_EXCEEDED, CLUSTER_EXCEEDED, NO_PLACE]);

/** Whether the servers have no space for a stream of this size. */
export const isOutOfSpace = (error: unknown): boolean => {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown };
  return OUT_OF_SPACE.has(code) && (code !== NO_PLACE || /storage/i.test(String(message)));
};

/** The class of an error: other texts of an error may hold a part of the request. */
export const classOf = (error: unknown): string =>
  /^\w{1,40}$/.exec((error as Error | null)?.name ?? '')?.[0] ?? 'error';

/** The advice about a stream or bucket that does not exist. */
export const RESTORE =
  'Nothing is made again automatically: restore a backup, or accept the loss and run "nikdev-iot gateway init", which makes what is missing, empty.';
