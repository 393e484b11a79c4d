import { answer, refuse } from './loopback.mjs';

const JSON_TYPE = { 'Content-Type': 'application/json' };

/**
 * Serves the state of the demo, the history of its server, and its actions, under `demo/`.
 *
 * @param {import('./control.mjs').Control} control
 * @param {import('./store.mjs').Store} store
 * @returns {(request: Request) => Response}
 */
export function serveControl(control, store) {
  return ({ method, url, headers }) => {
    const { origin, pathname, searchParams } = new URL(url);
    if (pathname === '/demo/actions') {
      if (method !== 'POST') return refuse(405, 'Only POST is allowed.', { Allow: 'POST' });
      // Every page that the user opens can post here; only the dashboard may.
      if (headers.get('Origin') !== origin) return refuse(403, 'Only the dashboard may act.');
      const isKnown = control.act(searchParams.get('name'));
      return isKnown ? answer('{}', JSON_TYPE) : refuse(404, 'There is no such action.');
    }
    if (method !== 'GET') return refuse(405, 'Only GET is allowed.', { Allow: 'GET' });
    if (pathname === '/demo/state') return answer(JSON.stringify(control.state()), JSON_TYPE);
    if (pathname === '/demo/history') {
      return answer(JSON.stringify(store.history(Number(searchParams.get('after')) || 0)), JSON_TYPE);
    }
    return refuse(404, 'There is nothing at this path.');
  };
}
