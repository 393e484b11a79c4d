import type { HttpRequest, HttpResponse } from '../../http/message.js';

/** A request of the fetch standard. */
export const requestOf = (request: Request): HttpRequest => ({
  method: request.method,
  path: pathOf(request.url),
  header: (name) => request.headers.get(name) ?? undefined,
  body: () => request.body ?? '',
});

/** A response of the fetch standard. */
export const responseOf = ({ status, headers, body }: HttpResponse): Response =>
  new Response(body ?? null, { status, headers });

/** Of a URL that a request has normalized. */
function pathOf(url: string): string {
  const [address = ''] = url.split(/[?#]/, 1);
  return address.slice(address.indexOf('/', address.indexOf('://') + 3));
}
