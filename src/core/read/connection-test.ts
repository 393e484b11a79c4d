import type { FieldRegistry } from '../model/field-registry.js';
import type { AbortSignalLike } from '../ports/web-types.js';
import { joinBody } from '../push/batch.js';
import { parseDate } from '../server/retry-after.js';
import {
  type JudgedResponse,
  type PendingRequest,
  requestUntilAborted,
  type ServerClient,
} from '../server/server-client.js';
import type { Verdict } from '../server/verdict.js';
import { readValues } from '../server/wire.js';
import type { Clock } from '../time/clock.js';
import { ClockCorrection } from '../time/clock-correction.js';

/** The result of `testConnection()`; a property is `undefined` if the responses leave it open. */
export interface ConnectionTest {
  /** Whether the server answered in time; `false` also for a captive portal or a redirect. */
  readonly reachable: boolean;
  /** Whether the server accepts the Device ID and the API Key. */
  readonly credentials: boolean | undefined;
  /** Whether the API Key has the right to read. */
  readonly canRead: boolean | undefined;
  /** Whether the API Key has the right to upload. */
  readonly canWrite: boolean | undefined;
  /** The shorter of the two response times, in milliseconds. The first request to a server includes the time to connect. */
  readonly latencyMilliseconds: number | undefined;
  /** The seconds by which the local clock is ahead of the server's clock (negative: behind), accurate to about a second. */
  readonly clockSkewSeconds: number | undefined;
  /** The meaning of the result, and the remedy. */
  readonly advice: string;
}

/** A judged response with its timing. */
interface Probe extends JudgedResponse {
  readonly milliseconds: number;
  /** The local time half-way between request and response, in milliseconds since the Unix epoch. */
  readonly halfWay: number;
}

const MAX_SKEW_SECONDS = 60;
/** The field to read if no field is configured: no server assigns the nil UUID. */
const UNKNOWN_FIELD = '00000000-0000-0000-0000-000000000000';

/** The parts of a client that a connection test uses. */
export interface ConnectionTestParts {
  readonly server: ServerClient;
  readonly clock: Clock;
  /** Ends all requests. */
  readonly closing: AbortSignalLike;
  readonly fields: Pick<FieldRegistry, 'anyId'>;
  readonly config: { readonly idempotency: boolean };
}

/**
 * Reads a field, then uploads an empty batch: nothing is stored or discarded.
 *
 * @throws {@link ApiException} if the client closes; {@link GetException} if the signal aborts.
 */
export async function testConnection(
  parts: ConnectionTestParts,
  signal: AbortSignalLike | undefined,
): Promise<ConnectionTest> {
  const { server, clock, fields, config, closing } = parts;
  const probe = async (send: () => PendingRequest): Promise<Probe> => {
    const sent = clock.monotonic();
    const outcome = await requestUntilAborted(send, { closing, signal });
    const milliseconds = clock.monotonic() - sent;
    return { ...outcome, milliseconds, halfWay: clock.now() - milliseconds / 2 };
  };
  const read = await probe(() => server.getValues([fields.anyId ?? UNKNOWN_FIELD]));
  if (!read.verdict.answered) return report([read], UNKNOWN, [describe(read.verdict)]);
  const body = joinBody([], new ClockCorrection(clock));
  const named = await probe(() => server.postEntries({ body, entries: [] }));
  // No answer at all: a page's preflight may have failed, or something on the way refuses the header.
  const plain = config.idempotency && !named.verdict.answered ? await probe(() => server.postEntries({ body })) : named;
  const isHeaderRefused = plain !== named && plain.verdict.answered;
  const write = isHeaderRefused ? plain : named;
  const rights = rightsOf(read, write);
  const lines = explain(rights, read.verdict, write.verdict);
  return report([read, write], rights, isHeaderRefused ? [HEADER_REFUSED, ...lines] : lines);
}

const HEADER_REFUSED =
  'push() will fail: the server answers uploads only without the header x-entry-ids (option idempotency). In a page, its Access-Control-Allow-Headers must list it.';

type Rights = Pick<ConnectionTest, 'credentials' | 'canRead' | 'canWrite'>;

const UNKNOWN: Rights = { credentials: undefined, canRead: undefined, canWrite: undefined };

function rightsOf(read: Probe, write: Probe): Rights {
  const [reading, writing] = [read.verdict, write.verdict];
  const readsWell = serverTimeOf(read) !== undefined;
  // A server without the upload route, or with another format of values, is not the NikDev IoT server.
  if (writing.status === 404 || writing.status === 405 || (reading.kind === 'stored' && !readsWell)) return UNKNOWN;
  const canRead = readsWell || reading.status === 404 || falseIfUnauthorized(reading);
  const canWrite = writing.kind === 'stored' || falseIfUnauthorized(writing);
  // 401 means unknown credentials; 403 may also mean a missing right.
  const isRefused = reading.status === 401 || writing.status === 401 || (canRead === false && canWrite === false);
  return { credentials: canRead || canWrite || (isRefused ? false : undefined), canRead, canWrite };
}

const falseIfUnauthorized = ({ kind }: Verdict): false | undefined => (kind === 'unauthorized' ? false : undefined);

function explain({ canRead, canWrite }: Rights, read: Verdict, write: Verdict): string[] {
  const [reading, writing] = [read.kind === 'stored' ? OTHER_SERVER : describe(read), describe(write)];
  if (canRead === undefined && canWrite === undefined) return [reading];
  if (canRead === false && canWrite === false) return [writing];
  const lines: string[] = [];
  if (canRead === false) lines.push(`The API Key may not read: get() and watch() will be refused. ${reading}`);
  if (canWrite === false) lines.push(`The API Key may not write: push() will be refused. ${writing}`);
  if (canRead === undefined) lines.push(`Whether the API Key may read is unknown. ${reading}`);
  if (canWrite === undefined) lines.push(`Whether the API Key may write is unknown. ${writing}`);
  return lines;
}

const OTHER_SERVER = 'The response is not from the NikDev IoT server: check baseUrl.';

/** Adds the full stop that a message of the server may lack. */
const describe = ({ message, advice }: Verdict): string => `${message}${/[.!?]$/.test(message) ? '' : '.'} ${advice}`;

function report(probes: readonly Probe[], rights: Rights, lines: string[]): ConnectionTest {
  const answered = probes.filter(({ verdict }) => verdict.answered);
  const skews = answered.flatMap((probe) => {
    const time = serverTimeOf(probe) ?? parseDate(probe.date ?? '') / 1000;
    return Number.isNaN(time) ? [] : [Math.round(probe.halfWay / 1000 - time) + 0];
  });
  const [clockSkewSeconds] = skews;
  if (clockSkewSeconds !== undefined && Math.abs(clockSkewSeconds) > MAX_SKEW_SECONDS) {
    const [seconds, where] = [Math.abs(clockSkewSeconds), clockSkewSeconds > 0 ? 'ahead of' : 'behind'];
    lines.push(`The clock of this device is ${seconds} s ${where} the server's: set the clock, preferably by NTP.`);
  }
  if (lines.length === 0) lines.push('Nothing to do: the server answers, and the API Key may read and write.');
  const times = answered.map(({ milliseconds }) => Math.round(milliseconds));
  return {
    reachable: answered.length > 0,
    ...rights,
    latencyMilliseconds: times.length > 0 ? Math.min(...times) : undefined,
    clockSkewSeconds,
    advice: lines.join(' '),
  };
}

/** @returns The server's time in Unix seconds, if the response holds values. */
function serverTimeOf({ verdict, body }: Probe): number | undefined {
  if (verdict.kind !== 'stored') return undefined;
  try {
    return readValues(body).servertime;
  } catch {
    return undefined;
  }
}
