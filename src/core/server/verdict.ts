import { causeOf, foreignText, maskIds } from '../model/foreign-text.js';
import type { AnswerDetails } from '../model/request-exceptions.js';
import { CLOSE_FILES, TOO_MANY_FILES } from '../model/system-codes.js';
import type { Answer, FailedExchange } from '../ports/transport.js';
import { retryAfterSeconds } from './retry-after.js';
import { messageOf } from './wire.js';

/**
 * The meaning of a response, or of its absence. `stored`: the server has the entries. `transient`: repeat the request later.
 * `unauthorized`: unknown Device ID or API Key, or a missing right. `too-large`: send fewer entries per request.
 * `invalid-entries`: the server refuses an entry in the body. `rejected`: the server refuses the request as a whole.
 */
export interface Verdict extends AnswerDetails {
  readonly kind: 'stored' | 'transient' | 'unauthorized' | 'too-large' | 'invalid-entries' | 'rejected';
  /**
   * Whether the content may be the cause, so that a smaller request may pass. `cut-off`: the connection broke, which may also
   * have causes outside of the content.
   */
  readonly suspect?: 'content' | 'cut-off' | undefined;
  /** Whether there was a complete response that may come from the server: not a redirect, and not an HTML page. */
  readonly answered: boolean;
  /** For an exception: `Bad request: …` or `Bad luck: …`. */
  readonly message: string;
  /** For an exception: the meaning of the failure, and the remedy. */
  readonly advice: string;
}

/** The input of a verdict besides the answer. */
export interface JudgeContext {
  /** Removes the API key from a text, as a server may repeat the key in its message. */
  readonly redact: (text: string) => string;
  /** Whether the request crossed a network unencrypted, so that anyone on the network can forge the response. */
  readonly isInsecure: boolean;
  /** Whether the environment names a proxy that the requests do not use. */
  readonly isProxyIgnored?: boolean;
  /** The deadline of the request, in seconds. */
  readonly timeoutSeconds: number;
  /** The local clock, in milliseconds since the Unix epoch. */
  readonly now: number;
  /** Whether the platform reports a network connection. */
  readonly isOnline: boolean;
}

/**
 * Judges a response by its status first, as proxies send 413, 429 and 5xx with HTML pages. An HTML page makes only a success
 * or a rejection doubtful. Total: every response and every failed exchange gets one of the six verdicts.
 */
export function judge(answer: Answer, context: JudgeContext): Verdict {
  if (!answer.received) return judgeFailure(answer, context);
  const { status, body } = answer;
  const isPage = HTML.test(body);
  const details = {
    status,
    retryAfter: retryAfterSeconds(answer.retryAfter, answer.date, context.now),
    answered: !isPage && !isRedirect(status),
  };
  const said = isPage ? '' : foreignText(messageOf(body) ?? '', context.redact, '');
  if (status === 413) return { ...rejection('too-large', said, SEND_LESS, details), suspect: 'content' };
  if (TEMPORARY.has(status)) {
    return transient(answered(status, said), status === 429 ? TOO_MANY : TRY_AGAIN, details);
  }
  if (status >= 500 && status <= 599) {
    return { ...transient(answered(status, said), outageAdvice(status), details), suspect: 'content' };
  }
  if (status >= 400 && status <= 499)
    return isPage && status !== 407 ? foreignPage(details) : judgeRejection(said, details, context);
  if (isPage) return transient(page(status), PORTAL, details);
  if (STORED.has(status)) return { kind: 'stored', message: '', advice: '', ...details };
  return isRedirect(status)
    ? transient(redirected(status), REDIRECT, details)
    : transient(answered(status, said), TRY_AGAIN, details);
}

type Details = AnswerDetails & { readonly status: number; readonly answered: boolean };

/** An HTML page with a status from 400 to 499. */
function foreignPage(details: Details): Verdict {
  const { status } = details;
  const advice = status === 401 || status === 403 ? SIGN_IN : FOREIGN_PAGE;
  return { ...transient(page(status), advice, details), suspect: 'content' };
}

/** A status from 400 to 499 other than 408, 413, 425 and 429. */
function judgeRejection(said: string, details: Details, { isInsecure }: JudgeContext): Verdict {
  const { status } = details;
  const suspect = 'content';
  if (status === 407) return { ...transient(answered(status, said), SIGN_IN, details), suspect };
  if (status === 401 || status === 403)
    return rejection('unauthorized', said, isInsecure ? FORGEABLE + CHECK_CREDENTIALS : CHECK_CREDENTIALS, details);
  if (status === 400 || status === 422) return rejection('invalid-entries', said, READ_MESSAGE, details);
  return { ...rejection('rejected', said, READ_MESSAGE, details), suspect };
}

function judgeFailure(failed: FailedExchange, context: JudgeContext): Verdict {
  const details = { status: failed.status, answered: false };
  const cause = 'error' in failed ? causeOf(failed.error, context.redact) : undefined;
  const verdict = transient(noAnswer(failed, context), noAnswerAdvice(failed, context), details);
  const suspect = suspectOf(failed, context);
  return { ...verdict, ...(suspect && { suspect }), ...(cause && { cause }) };
}

/** A page gets no details: while it is online, each failure may be a connection that was cut off. */
function suspectOf({ reason, isOpaque }: FailedExchange, { isOnline }: JudgeContext): Verdict['suspect'] {
  if (reason === 'timeout') return 'content';
  return reason === 'cut-off' || reason === 'interrupted' || (isOpaque && isOnline) ? 'cut-off' : undefined;
}

const STORED = new Set([200, 201, 202, 204]);
/** Client errors that don't concern the content of the request: time-out, too early, too many requests. */
const TEMPORARY = new Set([408, 425, 429]);

const isRedirect = (status: number): boolean => status === 0 || (status >= 300 && status <= 399 && status !== 304);

const TRY_AGAIN = 'The network or the server is at fault, not the content of the request. Try again later.';
const TOO_MANY = 'The server asks for fewer requests. Wait, for retryAfter seconds if given, and try again.';
const SERVER_DOWN = 'The server behind the proxy at baseUrl is down, restarting or too slow. Try again later.';
const PORTAL =
  'A captive portal, a proxy or a wrong baseUrl answered. Sign in to the network or check baseUrl, then try again.';
const SIGN_IN = 'A proxy or captive portal on the way asks for a sign-in. Sign in to the network, then try again.';
const FOREIGN_PAGE =
  'A firewall, a proxy or a wrong baseUrl answered, not the NikDev IoT server. Check baseUrl and the filters on the way.';
const REDIRECT = 'A captive portal does this; otherwise set baseUrl to the address in the redirect.';
const CHECK_CREDENTIALS =
  'Check the Device ID and the API Key, and that the key has the permission. setApiKey() changes the key.';
const FORGEABLE = 'Over plain http anyone on the network can forge this answer, so no entry is discarded: use https. ';
const SEND_LESS = 'The request was too large for the server. Lower maxBytesPerRequest or maxEntriesPerRequest.';
const READ_MESSAGE = 'The server refuses this request. Check baseUrl, the field ids and the values.';

function outageAdvice(status: number): string {
  if (status === 511) return SIGN_IN;
  return status >= 502 && status <= 504 ? SERVER_DOWN : TRY_AGAIN;
}

const answered = (status: number, said: string): string => `the server answered ${status}${said && `: ${said}`}`;
const page = (status: number): string =>
  `an HTML page came back (status ${status}), not the NikDev IoT server's answer`;
const redirected = (status: number): string =>
  `the server answered with a redirect${status === 0 ? '' : ` (${status})`}, which is not followed`;

function transient(
  happened: string,
  advice: string,
  details: Pick<Verdict, 'status' | 'retryAfter' | 'answered'>,
): Verdict {
  return { kind: 'transient', message: `Bad luck: ${happened}.`, advice, ...details };
}

function rejection(kind: Verdict['kind'], said: string, advice: string, details: Details): Verdict {
  return { kind, message: `Bad request: ${said || details.status}`, advice, ...details };
}

function noAnswer({ reason, code, status, detail = '' }: FailedExchange, context: JudgeContext): string {
  const known = foreignText(code ?? detail, context.redact);
  switch (reason) {
    case 'timeout':
      return `no complete answer came within ${context.timeoutSeconds} s`;
    case 'aborted':
      return 'the request was aborted before its answer came';
    case 'too-long':
      return `the answer (status ${status}) is longer than any of the NikDev IoT server's`;
    case 'interrupted':
      return `the answer (status ${status}) broke off`;
    case 'cut-off':
      return `the connection was cut off before an answer came${known && ` (${known})`}`;
    case 'blocked-port':
      return 'the port of baseUrl is blocked by this browser or runtime (the fetch standard calls it a bad port)';
    case 'no-key':
      // A key that was never used is not known, and so not redacted.
      return `the function apiKey gave no API Key: ${maskIds(known)}`;
    case 'fault':
      return status === undefined
        ? `the call failed before its request could be sent: ${known}`
        : `the answer (status ${status}) could not be read: ${known}`;
    case 'unreachable':
      // Browsers give no details to pages: the cause may be the network or missing CORS headers.
      return known
        ? `the server could not be reached (${known})`
        : 'the server could not be reached, or, in a page, does not allow the request (CORS)';
  }
}

/** Advice by the error code of the platform; the codes are those of Node, Bun and OpenSSL. */
const UNREACHABLE_ADVICE: readonly (readonly [RegExp, string])[] = [
  [TOO_MANY_FILES, CLOSE_FILES],
  [
    /NOTFOUND|EAI_|DNS/,
    'The host name could not be resolved: check the spelling of baseUrl and the DNS of this network, or try again later.',
  ],
  [
    /refused/i,
    'No server listens at this address: check the host and port of baseUrl and that the server runs, or try again later.',
  ],
  [
    /CERT|SSL|TLS|SIGNED|VERIFY|EPROTO/,
    'No secure connection could be made: check the clock of this device, that baseUrl names the host of the certificate, not a port of plain http, and that no proxy intercepts it.',
  ],
];

function noAnswerAdvice(failed: FailedExchange, { isProxyIgnored }: JudgeContext): string {
  const isLost = failed.reason === 'timeout' || failed.reason === 'unreachable';
  return adviceOf(failed) + (isProxyIgnored && isLost ? USE_PROXY : '');
}

function adviceOf({ reason, code = '', detail }: FailedExchange): string {
  if (reason === 'timeout')
    return 'Check the connection, raise requestTimeout if the link is slow, or try again later.';
  if (reason === 'blocked-port') return OTHER_PORT;
  if (reason === 'no-key') return FIX_KEY;
  if (reason === 'fault') return FIX_FETCH;
  if (reason === 'cut-off') return CHECK_CONNECTION;
  if (reason !== 'unreachable') return TRY_AGAIN;
  const [, advice = CHECK_CONNECTION] = UNREACHABLE_ADVICE.find(([codes]) => codes.test(code)) ?? [];
  return code || detail ? advice : `${advice} In a page, check too that the server sends CORS headers.`;
}

const CHECK_CONNECTION = 'Check the connection and baseUrl, or try again later.';
const OTHER_PORT = 'Let the server listen on another port, such as 80, 443 or 8080.';
const FIX_KEY = 'The next request calls the function again.';
const FIX_FETCH = 'The network is not the cause: resolve the error that the message names.';
const USE_PROXY =
  ' HTTPS_PROXY is set, which fetch ignores: set NODE_USE_ENV_PROXY=1 (from Node 24), or use httpFetch of nikdev-iot/node.';

/**
 * A body that begins with a tag, a comment or a declaration. A content type proves nothing: PHP labels JSON and empty bodies
 * `text/html`. Bodies are decoded as UTF-8, which turns each BOM of UTF-16 into two U+FFFD, and leaves a NUL beside each character.
 */
const HTML = /^[\s\0\ufffd]*<\0?[a-z!?]/i;
