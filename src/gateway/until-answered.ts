import { setTimeout as delay } from 'node:timers/promises';
import { GatewayException } from './gateway-exception.js';

/** An election takes about 5 s; after a restart of all servers, or on busy machines, several times as long. */
const MAX_SECONDS = 30;
const PAUSE_MS = 500;

/** Errors of requests that no server answered: there is no leader, or JetStream starts, or the connection broke. */
const UNANSWERED = new Map([
  ['TimeoutError', 'no response'],
  ['NoRespondersError', 'no server has JetStream'],
  ['JetStreamNotEnabled', 'no server has JetStream'],
  ['RequestError', 'the connection broke'],
]);
/** JetStream's code while its servers elect a leader among them. */
const UNAVAILABLE = 10_008;

/** @returns Why no server answered a request; `undefined` for other errors, which no repetition changes. */
function reasonOfSilence(error: unknown): string | undefined {
  const { name, code } = (error ?? {}) as { name?: string; code?: unknown };
  return code === UNAVAILABLE ? 'no leader' : UNANSWERED.get(name ?? '');
}

/**
 * Repeats a request until the cluster answers, for 30 s at most, as the cluster elects a leader after the end of a server.
 *
 * @param name - Of the stream, bucket or consumer, for the message.
 * @param signal - Ends the repetitions.
 * @throws GatewayException if the cluster does not answer in time; other errors as they are.
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
      const reason = reasonOfSilence(error);
      if (reason === undefined) throw error;
      // Another request would take as long as this one.
      const next = performance.now() + PAUSE_MS + (performance.now() - before);
      if (next > started + MAX_SECONDS * 1000 || signal?.aborted) throw unanswered(name, reason, error);
    }
  }
}

const unanswered = (name: string, reason: string, cause: unknown): GatewayException =>
  new GatewayException(
    `${name} can't be reached: JetStream has not answered for ${MAX_SECONDS} s (${reason})`,
    'Most servers of the cluster must run, with JetStream, and reach each other: see their logs. Then try again.',
    { cause, isTemporary: true },
  );
