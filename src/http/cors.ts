const FOR_EVERYONE = {
  'Access-Control-Allow-Origin': '*',
  // Other headers than the safelisted are hidden from a page unless they are named.
  'Access-Control-Expose-Headers': 'Retry-After, Date',
};

/** Whether a browser asks if it may send a request. */
export function isPreflight(request: Request): boolean {
  return request.method === 'OPTIONS' && request.headers.has('Access-Control-Request-Method');
}

/** Allows what the protocol needs, from any origin. */
export function answerPreflight(): Response {
  return new Response(null, {
    status: 204,
    headers: {
      'Access-Control-Allow-Headers': 'x-device-id, x-api-key, content-type',
      'Access-Control-Allow-Methods': 'GET, POST',
      'Access-Control-Max-Age': '86400',
    },
  });
}

/**
 * Adds what every answer has, where it has none of its own.
 *
 * @param now - The server's clock, in milliseconds since the Unix epoch.
 */
export function withCommonHeaders(response: Response, now: number): Response {
  for (const [name, value] of Object.entries({ ...FOR_EVERYONE, Date: new Date(now).toUTCString() })) {
    if (!response.headers.has(name)) response.headers.set(name, value);
  }
  return response;
}
