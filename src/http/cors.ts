import type { HttpRequest, HttpResponse } from './message.js';

const FOR_EVERYONE = {
  // An answer kept would be an old value, and another key's.
  'cache-control': 'no-store',
  vary: 'x-device-id, x-api-key',
  'access-control-allow-origin': '*',
  // Other headers than the safelisted are hidden from a page unless they are named.
  'access-control-expose-headers': 'Retry-After, Date',
};

/** Whether a browser asks if it may send a request. */
export function isPreflight({ method, header }: HttpRequest): boolean {
  return method === 'OPTIONS' && header('access-control-request-method') !== undefined;
}

/** Allows what the protocol needs, from any origin. */
export function answerPreflight(): HttpResponse {
  return {
    status: 204,
    headers: {
      'access-control-allow-headers': 'x-device-id, x-api-key, content-type',
      'access-control-allow-methods': 'GET, POST',
      'access-control-max-age': '86400',
    },
  };
}

/**
 * Adds what every answer has, where it has none of its own.
 *
 * @param now - The server's clock, in milliseconds since the Unix epoch.
 */
export function withCommonHeaders(response: HttpResponse, now: number): HttpResponse {
  return { ...response, headers: { ...FOR_EVERYONE, date: new Date(now).toUTCString(), ...response.headers } };
}
