import type { Answer } from '../../core/ports/transport.js';
import type { HttpResponse } from '../../http/message.js';
import { unavailable } from './unavailable.js';

/** Statuses that have no body, which the constructor of a response refuses. */
const WITHOUT_BODY = new Set([204, 205, 304]);
/** An opaque redirect has no status. */
const MIN_STATUS = 200;

/** The answer of upstream to a read, for the device. The body keeps its text; its type is never that of a page. */
export function relay(answer: Answer): HttpResponse {
  if (!answer.received || answer.status < MIN_STATUS) return unavailable();
  const { status, body, retryAfter } = answer;
  const wait = retryAfter !== undefined && /^[\w ,:+.-]{1,64}$/.test(retryAfter) && { 'retry-after': retryAfter };
  const headers = { 'content-type': 'application/json', 'x-content-type-options': 'nosniff', ...wait };
  return WITHOUT_BODY.has(status) ? { status, headers } : { status, headers, body };
}
