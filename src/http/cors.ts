import { ENTRY_IDS } from '../core/model/entry-ids.js';
import type { HttpRequest, HttpResponse } from './message.js';

const FOR_EVERYONE = {
  // A cached response would hold old values, and could be served to another key.
  'cache-control': 'no-store',
  vary: 'x-device-id, x-api-key',
  'access-control-allow-origin': '*',
  // Browsers hide all other headers from pages, safelisted headers aside.
  'access-control-expose-headers': 'Retry-After, Date',
};

/** Whether the request is a CORS preflight of a browser. */
export function isPreflight({ method, header }: HttpRequest): boolean {
  return method === 'OPTIONS' && header('access-control-request-method') !== undefined;
}

/** Allows the methods and headers of the protocol. */
export function answerPreflight(): HttpResponse {
  return {
    status: 204,
    headers: {
      'access-control-allow-headers': `x-device-id, x-api-key, content-type, content-encoding, ${ENTRY_IDS}`,
      'access-control-allow-methods': 'GET, POST',
      'access-control-max-age': '86400',
    },
  };
}

/**
 * Adds the headers of every response; headers that the response already has take precedence.
 *
 * @param now - The server's clock, in milliseconds since the Unix epoch.
 */
export function withCommonHeaders(response: HttpResponse, now: number): HttpResponse {
  return { ...response, headers: { ...FOR_EVERYONE, date: dateOf(now), ...response.headers } };
}

/** The date of the last response: making its text takes longer than the other headers. */
let last = { second: Number.NaN, text: '' };

function dateOf(now: number): string {
  const second = Math.floor(now / 1000);
  if (second !== last.second) last = { second, text: new Date(now).toUTCString() };
  return last.text;
}
