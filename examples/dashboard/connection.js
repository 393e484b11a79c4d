import { note } from './activity.js';
import { byId, make, setText } from './page.js';
import { explain } from './text.js';

const UNKNOWN = 'not known';
const answer = (truth) => (truth === undefined ? UNKNOWN : truth ? 'yes' : 'no');

/** Tests the connection on demand and shows what was found. */
export function addConnectionTest(api) {
  const button = byId('test');
  button.addEventListener('click', async () => {
    if (button.getAttribute('aria-disabled') === 'true') return;
    button.setAttribute('aria-disabled', 'true');
    setText(byId('advice'), 'Testing…');
    const advice = await test(api);
    setText(byId('advice'), advice);
    note(`Connection test: ${advice}`);
    button.removeAttribute('aria-disabled');
  });
}

async function test(api) {
  try {
    const found = await api.testConnection();
    show(found);
    return found.advice;
  } catch (error) {
    return explain(error);
  }
}

function show({ reachable, credentials, canRead, canWrite, latencyMilliseconds, clockSkewSeconds }) {
  const rows = [
    ['Reachable', answer(reachable)],
    ['Credentials', answer(credentials)],
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
