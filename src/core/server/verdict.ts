import { foreignText } from '../model/foreign-text.js';
import type { AnswerDetails } from '../model/request-exceptions.js';
import type { Answer, FailedExchange } from '../ports/transport.js';
import { redact } from './redact.js';
import { retryAfterSeconds } from './retry-after.js';
import { messageOf } from './wire.js';

/**
 * What an answer means. `stored`: the server has it. `bad-luck`: as if it had not been asked; try again.
 * `credentials-refused`: wrong device id or API key, or no right. `too-large`: fewer at a time. `entries-refused`: something
 * in what was sent is not as the server wants it. `refused`: the server does not want this at all.
 */
export interface Verdict extends AnswerDetails {
  readonly kind: 'stored' | 'transient' | 'unauthorized' | 'too-large' | 'invalid-entries' | 'rejected';
  /** Whether fewer entries at a time may pass. */
  readonly isSizeSuspect?: boolean;
  /** Whether a whole answer came that may be the server's own: no redirect, and no page of a captive portal. */
  readonly answered: boolean;
  /** For an exception: `Bad request: …` or `Bad luck: …`. */
  readonly message: string;
  /** For an exception: what it means and what to do. */
  readonly advice: string;
}

/** What a verdict needs to know beside the answer. */
export interface JudgeContext {
  /** Never to appear in a message, even where the server repeats it. */
  readonly apiKey: string;
  readonly timeoutSeconds: number;
  /** The local clock, in milliseconds since the Unix epoch. */
  readonly now: number;
}

/** Judges an answer. Total: whatever comes back, or doesn't, is one of the six verdicts; this is the only such rule. */
export function judge(answer: Answer, context: JudgeContext): Verdict {
  if (!answer.received) {
    const verdict = transient(noAnswer(answer, context), noAnswerAdvice(answer), { status: answer.status }, false);
    return { ...verdict, isSizeSuspect: answer.reason === 'timeout' };
  }

  const { status, body } = answer;
  const details = { status, retryAfter: retryAfterSeconds(answer.retryAfter, answer.date, context.now) };
  if (isHtml(answer.contentType, body)) {
    return transient(
      `an HTML page came back (status ${status}), not the NikDev IoT server's answer`,
      'A captive portal, a proxy or a wrong baseUrl answered. Sign in to the network or check baseUrl, then try again.',
      details,
      false,
    );
  }
  if (STORED.has(status)) return { kind: 'stored', answered: true, message: '', advice: '', ...details };
  const said = quote(messageOf(body) ?? '', context);
  if (status === 401 || status === 403) return rejection('unauthorized', said, CHECK_CREDENTIALS, details);
  if (status === 413) return { ...rejection('too-large', said, SEND_LESS, details), isSizeSuspect: true };
  if (status === 400 || status === 422) return rejection('invalid-entries', said, READ_MESSAGE, details);
  if (status >= 400 && status <= 499 && !PASSING.has(status)) return rejection('rejected', said, READ_MESSAGE, details);
  if (status === 0 || (status >= 300 && status <= 399 && status !== 304)) {
    return transient(
      `the server answered with a redirect${status === 0 ? '' : ` (${status})`}, which is not followed`,
      'A captive portal does this; else set baseUrl to the address it points to.',
      details,
      false,
    );
  }
  const verdict = transient(
    `the server answered ${status}${said && `: ${said}`}`,
    status === 429 ? TOO_MANY : TRY_AGAIN,
    details,
  );
  return { ...verdict, isSizeSuspect: status >= 500 && status <= 599 };
}

const STORED = new Set([200, 201, 202, 204]);
/** Refusals in form, but of the moment and not of what was sent: time-out, too early, too many requests. */
const PASSING = new Set([408, 425, 429]);

const TRY_AGAIN = 'The network or the server is at fault, not what was sent or asked. Try again later.';
const TOO_MANY = 'The server asks for fewer requests. Wait, for retryAfter seconds where it is given, and try again.';
const CHECK_CREDENTIALS =
  'Check the Device ID and the API Key, and that the key has the right it needs. setApiKey() changes the key.';
const SEND_LESS = 'The request was too large for the server. Lower maxBytesPerRequest or maxEntriesPerRequest.';
const READ_MESSAGE = 'The server will not take this as it is. Check baseUrl, the field ids and the values.';

function transient(what: string, advice: string, details: AnswerDetails, answered = true): Verdict {
  return { kind: 'transient', answered, message: `Bad luck: ${what}.`, advice, ...details };
}

function rejection(kind: Verdict['kind'], said: string, advice: string, details: AnswerDetails): Verdict {
  return { kind, answered: true, message: `Bad request: ${said || details.status}`, advice, ...details };
}

/** The words of a server or of a fetch. */
const quote = (text: string, { apiKey }: JudgeContext): string => foreignText(text, (clean) => redact(clean, apiKey));

function noAnswer({ reason, code, status, detail = '' }: FailedExchange, context: JudgeContext): string {
  const known = code ?? quote(detail, context);
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
    case 'fault':
      return `the call failed before its request could be sent: ${known}`;
    case 'unreachable':
      // Pages are told nothing but that it failed: it may be the network, or headers that the server did not send.
      return known
        ? `the server could not be reached (${known})`
        : 'the server could not be reached, or, in a page, does not allow it to ask (CORS)';
  }
}

/** What a platform's error code tells about what to do; codes are Node's, Bun's and OpenSSL's words. */
const UNREACHABLE_ADVICE: readonly (readonly [RegExp, string])[] = [
  [
    /NOTFOUND|EAI_|DNS/,
    'The host name has no address here: check the spelling of baseUrl and the DNS of this network, or try again later.',
  ],
  [
    /refused/i,
    'Nothing listens there: check the host and port of baseUrl and that the server runs, or try again later.',
  ],
  [
    /CERT|SSL|TLS|SIGNED|VERIFY|EPROTO/,
    'No secure connection could be made: check that the clock of this device is right, that baseUrl names the host of the certificate and not a port of plain http, and that no proxy stands between.',
  ],
];

function noAnswerAdvice({ reason, code = '', detail }: FailedExchange): string {
  if (reason === 'timeout')
    return 'Check the connection, raise requestTimeout where the link is slow, or try again later.';
  if (reason === 'blocked-port') return OTHER_PORT;
  if (reason === 'fault') return FIX_FETCH;
  if (reason === 'cut-off') return CHECK_CONNECTION;
  if (reason !== 'unreachable') return TRY_AGAIN;
  const [, advice = CHECK_CONNECTION] = UNREACHABLE_ADVICE.find(([codes]) => codes.test(code)) ?? [];
  return code || detail
    ? advice
    : `${advice} In a page, check too that the server sends the CORS headers that allow it.`;
}

const CHECK_CONNECTION = 'Check the connection and baseUrl, or try again later.';
const OTHER_PORT =
  'No request to that port is ever sent from here: let the server listen on another one, such as 80, 443 or 8080.';
const FIX_FETCH =
  'The error is not of the network: look for it in the fetch function that is used here and in what it needs.';

const HTML_TYPE = /^\s*(?:text\/html|application\/xhtml\+xml)\b/i;

/** What our server sends is JSON or plain text: what begins with a tag, a comment or a declaration is somebody else's. */
const HTML_BODY = /^\s*<[a-z!?]/i;

/** Captive portals and proxies answer with a page, under any status, and not always with the type of one. */
function isHtml(contentType: string | undefined, body: string): boolean {
  return HTML_TYPE.test(contentType ?? '') || HTML_BODY.test(body);
}
