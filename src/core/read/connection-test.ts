import type { FieldRegistry } from '../model/field-registry.js';
import { joinBody } from '../push/batch.js';
import type { Questions } from '../server/questions.js';
import { parseDate } from '../server/retry-after.js';
import type { JudgedResponse, PendingRequest, ServerClient } from '../server/server-client.js';
import type { Verdict } from '../server/verdict.js';
import { readValues } from '../server/wire.js';
import type { Clock } from '../time/clock.js';
import { ClockCorrection } from '../time/clock-correction.js';

/** What `testConnection()` found out; `undefined` where the answers don't tell. */
export interface ConnectionTest {
  /** Whether the server answered: not a captive portal, not a redirect, and in time. */
  readonly reachable: boolean;
  /** Whether it knows the Device ID and the API Key; false if it refuses them. */
  readonly credentials: boolean | undefined;
  /** Whether they may read; 404 for the field that was asked for is not a no. */
  readonly canRead: boolean | undefined;
  /** Whether they may upload. */
  readonly canWrite: boolean | undefined;
  /** How long the quicker of the answers took. The first request to a server also pays for the connection. */
  readonly latencyMilliseconds: number | undefined;
  /** How far the local clock is ahead of the server's (negative: behind), to about a second. */
  readonly clockSkewSeconds: number | undefined;
  /** What it means and what to do. */
  readonly advice: string;
}

/** An answer to a question, and when it came. */
interface Probe extends JudgedResponse {
  readonly milliseconds: number;
  /** The local clock when it was half way, in milliseconds since the Unix epoch. */
  readonly halfWay: number;
}

const MAX_SKEW_SECONDS = 60;
/** To be asked for where no field is known: no server gives this id away. */
const UNKNOWN_FIELD = '00000000-0000-0000-0000-000000000000';

/** The parts of a client that a connection test uses. */
export interface ConnectionTestParts {
  readonly server: ServerClient;
  readonly clock: Clock;
  readonly questions: Questions;
  readonly fields: Pick<FieldRegistry, 'anyId'>;
}

/**
 * Asks for a field's value, then uploads an empty batch: nothing is stored or discarded.
 *
 * @throws {@link ApiException} if the questions are stopped.
 */
export async function testConnection(parts: ConnectionTestParts): Promise<ConnectionTest> {
  const { server, clock, questions, fields } = parts;
  const probe = async (send: () => PendingRequest): Promise<Probe> => {
    const sent = clock.monotonic();
    const outcome = await questions.ask(send);
    const milliseconds = clock.monotonic() - sent;
    return { ...outcome, milliseconds, halfWay: clock.now() - milliseconds / 2 };
  };
  const read = await probe(() => server.getValues([fields.anyId ?? UNKNOWN_FIELD]));
  if (!read.verdict.answered) return report(false, [read], UNKNOWN, [tell(read.verdict)]);
  const write = await probe(() => server.postEntries(joinBody([], new ClockCorrection(clock))));
  const rights = rightsOf(read, write);
  return report(true, [read, write], rights, explain(rights, read.verdict, write.verdict));
}

type Rights = Pick<ConnectionTest, 'credentials' | 'canRead' | 'canWrite'>;

const UNKNOWN: Rights = { credentials: undefined, canRead: undefined, canWrite: undefined };

function rightsOf(read: Probe, write: Probe): Rights {
  const [reading, writing] = [read.verdict, write.verdict];
  const readsWell = serverTimeOf(read) !== undefined;
  // Who has no place for uploads, or answers with other than values, is not the server: what it says means nothing.
  if (writing.status === 404 || writing.status === 405 || (reading.kind === 'stored' && !readsWell)) return UNKNOWN;
  const canRead = readsWell || reading.status === 404 || noIfRefused(reading);
  const canWrite = writing.kind === 'stored' || noIfRefused(writing);
  // 401 is for those who are not known, 403 also for those without the right.
  const isRefused = reading.status === 401 || writing.status === 401 || (canRead === false && canWrite === false);
  return { credentials: canRead || canWrite || (isRefused ? false : undefined), canRead, canWrite };
}

const noIfRefused = ({ kind }: Verdict): false | undefined => (kind === 'unauthorized' ? false : undefined);

function explain({ canRead, canWrite }: Rights, read: Verdict, write: Verdict): string[] {
  const [reading, writing] = [read.kind === 'stored' ? OTHER_SERVER : tell(read), tell(write)];
  if (canRead === undefined && canWrite === undefined) return [reading];
  if (canRead === false && canWrite === false) return [writing];
  const lines: string[] = [];
  if (canRead === false) lines.push(`The API Key may not read: get() and watch() will be refused. ${reading}`);
  if (canWrite === false) lines.push(`The API Key may not write: push() will be refused. ${writing}`);
  if (canRead === undefined) lines.push(`Whether the API Key may read can't be told. ${reading}`);
  if (canWrite === undefined) lines.push(`Whether the API Key may write can't be told. ${writing}`);
  return lines;
}

const OTHER_SERVER = "The answer is not the NikDev IoT server's: check baseUrl.";

/** The server's own words may end without a full stop. */
const tell = ({ message, advice }: Verdict): string => `${message}${/[.!?]$/.test(message) ? '' : '.'} ${advice}`;

function report(reachable: boolean, probes: readonly Probe[], rights: Rights, lines: string[]): ConnectionTest {
  const answered = probes.filter(({ verdict }) => verdict.answered);
  const skews = answered.flatMap((probe) => {
    const time = serverTimeOf(probe) ?? parseDate(probe.date ?? '') / 1000;
    return Number.isNaN(time) ? [] : [Math.round(probe.halfWay / 1000 - time) + 0];
  });
  const [clockSkewSeconds] = skews;
  if (clockSkewSeconds !== undefined && Math.abs(clockSkewSeconds) > MAX_SKEW_SECONDS) {
    const [seconds, where] = [Math.abs(clockSkewSeconds), clockSkewSeconds > 0 ? 'ahead of' : 'behind'];
    lines.push(`The clock of this device is ${seconds} s ${where} the server's: set it right, best by NTP.`);
  }
  if (lines.length === 0) lines.push('Nothing to do: the server answers, and the API Key may read and write.');
  const times = answered.map(({ milliseconds }) => Math.round(milliseconds));
  return {
    reachable,
    ...rights,
    latencyMilliseconds: times.length > 0 ? Math.min(...times) : undefined,
    clockSkewSeconds,
    advice: lines.join(' '),
  };
}

/** The server's clock in Unix seconds, from an answer that holds values. */
function serverTimeOf({ verdict, body }: Probe): number | undefined {
  if (verdict.kind !== 'stored') return undefined;
  try {
    return readValues(body).servertime;
  } catch {
    return undefined;
  }
}
