import type { Alarm } from '../news.js';

/** The reason why a message was not acknowledged, in words that hold nothing of the message. */
export interface PublishFailure {
  readonly reason: string;
  /** Present if waiting does not help. */
  readonly alarm?: Alarm | undefined;
  /** Whether only uploads of the same device fail. */
  readonly isOfDevice?: boolean;
}

/** The codes of JetStream's errors. */
const REASONS: Readonly<Record<number, PublishFailure>> = {
  10023: { reason: 'the servers have no space left', alarm: 'stream-full' },
  10047: { reason: 'the servers have no space left', alarm: 'stream-full' },
  10059: { reason: 'the stream is missing', alarm: 'stream-missing' },
  10060: { reason: 'another stream takes the subject', alarm: 'stream-missing' },
};

/** Errors of the store itself have one code for all and differ by their text. */
const TEXTS: readonly (readonly [RegExp, PublishFailure])[] = [
  [/maximum bytes exceeded|maximum messages exceeded/, { reason: 'the stream is full', alarm: 'stream-full' }],
  [/per subject exceeded/, { reason: 'the device has too much in the queue', isOfDevice: true }],
  [/no responders/i, { reason: 'no stream answers' }],
];

/** Classifies an error of a publication. */
export function failureOfPublish(error: unknown): PublishFailure {
  const { name, message, code } = (error ?? {}) as { name?: string; message?: string; code?: number };
  const known = REASONS[code ?? 0] ?? TEXTS.find(([text]) => text.test(`${name} ${message}`))?.[1];
  return (
    known ?? { reason: `the stream did not acknowledge in time (${/^\w{1,40}$/.exec(name ?? '')?.[0] ?? 'error'})` }
  );
}
