import type { HttpRequest, HttpResponse } from '../../http/message.js';

/** A request of the fetch standard. */
export const requestOf = (request: Request): HttpRequest => ({
  method: request.method,
  path: new URL(request.url).pathname,
  header: (name) => request.headers.get(name) ?? undefined,
  body: () => request.body ?? '',
});

/** A response of the fetch standard. */
export const responseOf = ({ status, headers, body }: HttpResponse): Response =>
  new Response(body ?? null, { status, headers });
