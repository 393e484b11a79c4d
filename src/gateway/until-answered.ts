import { setTimeout as delay } from 'node:timers/promises';
import { cleanText, textOf } from '../core/model/foreign-text.js';
import { GatewayException } from './gateway-exception.js';
import { isStreamMissing, RESTORE } from './stream-failure.js';

/** An election takes about 5 s; after a restart of all servers, or on busy machines, several times as long. */
const MAX_SECONDS = 30;
const PAUSE_MS = 500;

/** Errors of requests that no server answered: there is no leader, or JetStream starts, or the connection broke. */
const UNANSWERED = new Map([
  ['TimeoutError', 'no response'],
  ['NoResponders', 'no server answers'],
  ['JetStreamNotEnabled', 'no server answers'],
  ['RequestError', 'the connection broke'],
]);
/** JetStream's code while its servers elect a leader among them. */
const UNAVAILABLE = 10_008;

/** @returns The reason for the silence of all servers; `undefined` for other errors, which no repetition changes. */
function reasonOfSilence(error: unknown): string | undefined {
  const { name, code } = (error ?? {}) as { name?: string; code?: unknown };
  return code === UNAVAILABLE ? 'no leader' : UNANSWERED.get(name ?? '');
}

/**
 * Repeats a request until the cluster answers, for 30 s at most, as the cluster elects a leader after the end of a server.
 *
 * @param name - Of the stream, bucket or consumer, for the message.
 * @param signal - Ends the repetitions.
 * @throws GatewayException if the cluster does not answer in time, the stream is missing, or the user has no right to use it; other
 * errors as they are.
 */
export async function untilAnswered<Result>(
  name: string,
  request: () => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  for (const started = performance.now(); ; await delay(PAUSE_MS)) {
    const before = performance.now();
    try {
      return await request();
    } catch (error) {
      const refusal = refusalOf(name, error);
      if (refusal !== undefined) throw refusal;
      const reason = reasonOfSilence(error);
      if (reason === undefined) throw error;
      // Another request would take as long as this one.
      const next = performance.now() + PAUSE_MS + (performance.now() - before);
      if (next > started + MAX_SECONDS * 1000 || signal?.aborted) throw unanswered(name, reason, error);
    }
  }
}

/** The refusals that no repetition changes, as an exception that names the stream. */
function refusalOf(name: string, cause: unknown): GatewayException | undefined {
  if (isStreamMissing(cause)) return new GatewayException(`${name} is missing`, RESTORE, { cause });
  // The server's answer to the message that carries the request, whatever the request waited for.
  const [, subject] = /permissions violation for \w+ to "([^"]{1,200})"/i.exec(textOf(cause, 'message') ?? '') ?? [];
  if (subject === undefined) return undefined;
  const denied = `the NATS user has no right to use ${name} (${cleanText(subject)})`;
  return new GatewayException(denied, RIGHTS, { cause });
}

const RIGHTS =
  'Nothing was changed. Use the NATS user of "gateway init", or add this subject to its rights: see docs/gateway.md.';

const unanswered = (name: string, reason: string, cause: unknown): GatewayException =>
  new GatewayException(
    `${name} can't be reached: JetStream has not answered for ${MAX_SECONDS} s (${reason})`,
    'Most servers of the cluster must run, with JetStream, and reach each other: see their logs. Then try again.',
    { cause, isTemporary: true },
  );
