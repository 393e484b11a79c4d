import { note } from './activity.js';
import { byId, make, setText } from './page.js';
import { explain } from './text.js';

const UNKNOWN = 'not known';
const answer = (truth) => (truth === undefined ? UNKNOWN : truth ? 'yes' : 'no');

/** Tests the connection on demand and shows what was found. */
export function createConnection(api) {
  let running;

  async function test() {
    byId('test').setAttribute('aria-disabled', 'true');
    try {
      const found = await api.testConnection();
      show(found);
      return found.advice;
    } catch (error) {
      return explain(error);
    } finally {
      byId('test').removeAttribute('aria-disabled');
      running = undefined;
    }
  }

  const connection = {
    /** One at a time. @returns What it means and what to do. */
    test() {
      running ??= test();
      return running;
    },
    get isTesting() {
      return running !== undefined;
    },
  };
  byId('test').addEventListener('click', async () => {
    setText(byId('advice'), 'Testing…');
    const advice = await connection.test();
    setText(byId('advice'), advice);
    note(`Connection test: ${advice}`);
  });
  return connection;
}

function show({ reachable, credentials, canRead, canWrite, latencyMilliseconds, clockSkewSeconds, advice }) {
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
  setText(byId('advice'), advice);
}

function skew(ahead) {
  if (Math.abs(ahead) < 2) return 'right';
  return `${Math.abs(ahead)} s ${ahead > 0 ? 'ahead' : 'behind'}`;
}
