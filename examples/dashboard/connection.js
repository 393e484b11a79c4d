import { note } from './activity.js';
import { explain } from './explain.js';
import { byId, make, setText } from './page.js';

const UNKNOWN = 'not known';
const answer = (truth) => (truth === undefined ? UNKNOWN : truth ? 'yes' : 'no');

/**
 * Tests the connection on demand and shows the result.
 *
 * @param {{ writes: boolean }} page - Whether the page needs the right to write.
 */
export function addConnectionTest(api, page) {
  const button = byId('test');
  button.addEventListener('click', async () => {
    if (button.getAttribute('aria-disabled') === 'true') return;
    button.setAttribute('aria-disabled', 'true');
    setText(byId('advice'), 'Testing…');
    const result = await test(api, page);
    setText(byId('advice'), result);
    note(`Connection test: ${result}`);
    button.removeAttribute('aria-disabled');
  });
}

async function test(api, page) {
  try {
    const found = await api.testConnection();
    show(found);
    return summary(found, page);
  } catch (error) {
    return explain(error);
  }
}

/** In words for somebody who looks at the page: `advice` is for its developer. */
function summary({ reachable, credentials, canRead, canWrite }, { writes }) {
  if (!reachable) return 'The server can’t be reached.';
  if (credentials === false) return 'The server does not admit this page.';
  if (canRead === false) return 'This page may not read.';
  if (writes && canWrite === false) return 'This page may read, but not write.';
  if (credentials === undefined) return 'The server answers, but not as expected.';
  return writes ? 'All is well: this page may read and write.' : 'All is well: this page may read.';
}

function show({ reachable, credentials, canRead, canWrite, latencyMilliseconds, clockSkewSeconds }) {
  const rows = [
    ['Reachable', answer(reachable)],
    ['Admitted', answer(credentials)],
    ['May read', answer(canRead)],
    ['May write', answer(canWrite)],
    ['Latency', latencyMilliseconds === undefined ? UNKNOWN : `${latencyMilliseconds} ms`],
    ['Clock', clockSkewSeconds === undefined ? UNKNOWN : skew(clockSkewSeconds)],
  ];
  byId('findings').replaceChildren(
    ...rows.map(([name, value]) => make('div', [make('dt', name), make('dd', value, { className: value })])),
  );
  byId('findings').hidden = false;
}

function skew(ahead) {
  if (Math.abs(ahead) < 2) return 'right';
  return `${Math.abs(ahead)} s ${ahead > 0 ? 'ahead' : 'behind'}`;
}
