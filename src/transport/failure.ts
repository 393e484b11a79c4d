import { codeWord, describeError, textOf } from '../core/model/foreign-text.js';
import { isObject } from '../core/model/input.js';
import type { Answer, FailedExchange, ReceivedResponse } from '../core/ports/transport.js';

/** The properties of an error that are read. The thrown value may come from another realm, or not be an `Error`. */
interface Thrown {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
}

/**
 * Classifies a value that a fetch threw or rejected with.
 *
 * @param thrown - Any value.
 * @param port - The port of the request; empty for the default port of the scheme.
 * @param status - The HTTP status, if the failure happened after it was received.
 */
export function failureOf(thrown: unknown, port: string, status?: number): Answer {
  try {
    return { received: false, ...classify(thrown, port, status), ...(status !== undefined && { status }) };
  } catch {
    // A getter or a proxy may throw.
    return { received: false, reason: 'fault', detail: FETCH_THREW };
  }
}

type Classified = Omit<FailedExchange, 'received' | 'status'>;

function classify(thrown: unknown, port: string, status: number | undefined): Classified | ReceivedResponse {
  const chain = causesOf(thrown);
  const code = chain.map(codeWord).find((found) => found && !MISUSED.test(found));
  const known = { ...(code !== undefined && { code }) };
  if (TIMED_OUT.test(code ?? '') || chain.some(({ name }) => name === 'TimeoutError'))
    return { reason: 'timeout', ...known };
  if (isProgrammingError(thrown, chain, code)) return faultOf(thrown, chain, status);
  if (status !== undefined) return { reason: 'interrupted', ...known };
  if (code !== undefined) return { reason: CUT_OFF.test(code) ? 'cut-off' : 'unreachable', code };
  if (textOf(thrown, 'name') === 'AbortError') return { reason: 'aborted' };
  const message = textOf(thrown, 'message') ?? '';
  if (!NETWORK_MESSAGE.test(message)) return faultOf(thrown, chain, status);
  const detail = chain.length > 1 ? textOf(chain[1], 'message') : /: (.+)/.exec(message)?.[1];
  if (isBlocked(port) && /\bport\b/.test(detail ?? 'port')) return { reason: 'blocked-port' };
  if (detail === undefined) return { reason: 'unreachable', isOpaque: true };
  if (detail === '') return PROXY_SIGN_IN;
  return { reason: CUT_OFF_MESSAGE.test(detail) ? 'cut-off' : 'unreachable', detail };
}

/** Node's fetch replaces a response of status 407, and no other, by an error whose cause has neither a code nor a message. */
const PROXY_SIGN_IN = { received: true, status: 407, body: '' } as ReceivedResponse;

const FETCH_THREW = 'fetch threw';

function faultOf(error: unknown, chain: readonly Thrown[], status: number | undefined): Classified {
  const text = describe(error, chain);
  return { reason: 'fault', detail: status === undefined ? `${FETCH_THREW} ${text}` : text, error };
}

/**
 * Whether an error, or a cause of it, is of a program or of rights that are missing, whatever its message says of a network. A message
 * with a code may name a host such as `null.example`, and one without a code a URL.
 */
const isProgrammingError = (thrown: unknown, chain: readonly Thrown[], code: string | undefined): boolean =>
  chain.some(({ name }) => /^(?:ReferenceError|SyntaxError|NotCapable|PermissionDenied)$/.test(name as string)) ||
  (code === undefined && /is not a |(?:^| )(?:undefined|null)/.test(textOf(thrown, 'message') ?? ''));

const MAX_CAUSES = 5;

/** @returns The error and its causes, outermost first; empty if the thrown value is not an object. */
function causesOf(thrown: unknown): Thrown[] {
  const chain: Thrown[] = [];
  for (let cause = thrown; isObject<Thrown>(cause) && chain.length < MAX_CAUSES; cause = cause.cause) chain.push(cause);
  return chain;
}

const TIMED_OUT = /^UND_ERR_(?:HEADERS|BODY)_TIMEOUT$/;
/**
 * Codes such as ECONNRESET, UND_ERR_SOCKET, ERR_STREAM_PREMATURE_CLOSE, ERR_HTTP2_STREAM_ERROR and Bun's ConnectionClosed. With
 * HPE_INVALID_CONSTANT and the like, or UND_ERR_HEADERS_OVERFLOW, Node closes a connection on which something other than an HTTP
 * response came.
 */
const CUT_OFF = /RESET|ABORTED|PIPE|_SOCKET$|PREMATURE|HTTP2|EOF|Closed$|HPE|OVERFLOW/;
/** Deno gives a message without a code. */
const CUT_OFF_MESSAGE = /connection closed|connection reset|broken pipe/i;
/** Codes of programming errors. */
const MISUSED = /^(?:UND_)?ERR_(?:INVALID|MISSING|UNSUPPORTED|METHOD)/;
/** Messages of network failures without a code, in browsers, Node, Deno, workerd, whatwg-fetch and React Native. */
const NETWORK_MESSAGE =
  /fetch failed|failed to fetch|load failed|network|error sending request|could not connect|hostname|timed out|cancelled|offline/i;

/** @returns The error and its first cause in words. */
function describe(thrown: unknown, [, inner]: readonly Thrown[]): string {
  const text = describeError(thrown).replace(MISSING_GLOBAL, `$& (${'document' in globalThis ? IN_JSDOM : IN_NODE})`);
  return inner === undefined ? text : `${text} (${inner.message})`;
}

const MISSING_GLOBAL =
  /^ReferenceError: (?:fetch|Re(?:quest|sponse|adable\w+)|Headers|Abort\w+|Text\w+) is not defined$/;
const IN_JSDOM = "Jest's jsdom lacks it: use jest-fixed-jsdom";
/** Node with `--no-experimental-fetch`. */
const IN_NODE = 'use httpFetch of nikdev-iot/node';

/** The fetch standard's bad ports: https://fetch.spec.whatwg.org/#bad-port */
const BLOCKED =
  ',0,1,7,9,11,13,15,17,19,20,21,22,23,25,37,42,43,53,69,77,79,87,95,101,102,103,104,109,110,111,113,115,117,119,123,135,137,139,143,161,179,389,427,465,512,513,514,515,526,530,531,532,540,548,554,556,563,587,601,636,989,990,993,995,1719,1720,1723,2049,3659,4045,4190,5060,5061,6000,6566,6665,6666,6667,6668,6669,6679,6697,10080,';

const isBlocked = (port: string): boolean => port !== '' && BLOCKED.includes(`,${port},`);
