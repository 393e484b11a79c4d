import { serve } from '@hono/node-server';

const FRAMED_BY_NONE = "frame-ancestors 'none'";

/** No other origin may load a file of a demo as a script, or put the page into a frame. */
const HEADERS = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Content-Security-Policy': FRAMED_BY_NONE,
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
};

export const answer = (body, headers) => new Response(body, { headers: { ...HEADERS, ...headers } });

/** The policy of the page, as a header: there it can forbid frames too. */
export function answerPage(html) {
  const [, policy] = /Content-Security-Policy" content="([^"]+)"/.exec(html);
  const headers = {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': `${policy}; ${FRAMED_BY_NONE}`,
  };
  return answer(html, headers);
}

/** @returns {Response} An answer that says why nothing is here. */
export const refuse = (status, reason, headers) =>
  new Response(`${reason}\n`, { status, headers: { ...HEADERS, 'Content-Type': 'text/plain', ...headers } });

/**
 * Serves a fetch handler on 127.0.0.1.
 *
 * @param {number} port - 0 for any that is free.
 */
export function listen(port, fetch) {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch, port, hostname: '127.0.0.1' }, (address) =>
      resolve({ server, url: `http://127.0.0.1:${address.port}/` }),
    );
    server.once('error', reject);
  });
}
