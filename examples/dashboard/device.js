import { note } from './activity.js';
import { explainRefusal } from './explain.js';
import { byId, setText } from './page.js';
import { createQueueChart } from './queue-chart.js';
import { ago, count, duration } from './text.js';

const POLL_MS = 1000;
const FIGURES = ['committed', 'stored', 'waiting', 'quarantined', 'lost'];
/** The buttons that only a running device obeys. */
const OF_A_RUNNING_DEVICE = ['kill', 'overheat', 'live-first', 'restore-refused', 'drop-refused'];

/** The switch asks for the opposite of the order that the device has. */
const ACTIONS = {
  outage: () => ['outage', 'Took the server down for 30 s'],
  kill: () => ['kill', 'Killed the device (SIGKILL)'],
  overheat: () => ['overheat', 'The device measured 75 °C, which the server refuses'],
  'restore-refused': () => ['restore', 'The device put its refused readings back'],
  'drop-refused': () => ['drop', 'The device dropped its refused readings'],
  'live-first': (isOn) =>
    isOn
      ? ['oldest-first', 'The device sends its oldest readings first']
      : ['live-first', 'The device sends live readings first'],
};

/**
 * Shows the device of the demo, as its server sees it, and what can be done to it.
 *
 * @param {string} url - Of the demo, which serves `state` and `actions`.
 * @param {readonly { id: string, label: string, unit?: string }[]} fields
 */
export function showDevice(url, fields) {
  const chart = createQueueChart(byId('queue-chart'));
  let isAsking = false;
  const update = async () => {
    if (isAsking || document.hidden) return;
    isAsking = true;
    try {
      const state = await (await fetch(`${url}state`)).json();
      show(state, fields);
      chart.show(state);
    } catch {
      setText(byId('device-state'), 'The demo has ended.');
    } finally {
      isAsking = false;
    }
  };
  for (const [id, actionOf] of Object.entries(ACTIONS)) {
    byId(id).addEventListener('click', async (event) => {
      if (event.currentTarget.getAttribute('aria-disabled') === 'true') return;
      const [name, text] = actionOf(event.currentTarget.getAttribute('aria-checked') === 'true');
      note(text);
      await fetch(`${url}actions?name=${name}`, { method: 'POST' }).catch(() => {});
      await update();
    });
  }
  byId('demo').hidden = false;
  setInterval(update, POLL_MS);
  document.addEventListener('visibilitychange', update);
  return update();
}

function show(state, fields) {
  for (const name of FIGURES) setText(byId(`device-${name}`), state[name].toLocaleString());
  setText(byId('device-seen'), state.lastSeen === undefined ? 'not yet' : ago(state.now - state.lastSeen));
  setText(byId('device-oldest'), oldestText(state));
  setText(byId('device-state'), stateText(state));
  byId('demo').dataset.state = kindOf(state);
  byId('device-lost').closest('div').dataset.lost = String(state.lost > 0);
  byId('outage').setAttribute('aria-disabled', String(state.serverBackAt !== undefined));
  for (const id of OF_A_RUNNING_DEVICE) byId(id).setAttribute('aria-disabled', String(state.pid === undefined));
  byId('live-first').setAttribute('aria-checked', String(state.isLiveFirst));
  showRefused(state.refused, fields);
}

function oldestText({ waiting, oldestAgeSeconds }) {
  return waiting > 0 && oldestAgeSeconds !== undefined ? `oldest ${duration(oldestAgeSeconds)}` : '';
}

function kindOf({ pid, serverBackAt, waiting }) {
  if (pid === undefined) return 'killed';
  if (serverBackAt !== undefined) return 'outage';
  return waiting > 3 ? 'draining' : 'running';
}

function stateText(state) {
  const { pid, restartsAt, serverBackAt, nextTry, now, waiting } = state;
  const until = (time) => duration(Math.max(0, Math.ceil(time - now)));
  const parts = [pid === undefined ? 'Killed' : `Running as process ${pid}`];
  if (restartsAt !== undefined) parts.push(`starts again in ${until(restartsAt)}`);
  if (serverBackAt !== undefined) parts.push(`the server is down for ${until(serverBackAt)} more`);
  if (pid !== undefined && serverBackAt !== undefined) parts.push('readings are committed to disk');
  if (pid !== undefined && waiting > 3 && nextTry > now) parts.push(`next try in ${until(nextTry)}`);
  if (pid !== undefined && serverBackAt === undefined && waiting > 3 && !(nextTry > now))
    parts.push('the queue drains');
  return parts.join(' · ');
}

function showRefused(refused, fields) {
  byId('device-refused').hidden = refused.length === 0;
  if (refused.length === 0) return;
  const [{ values, reason }] = refused;
  const named = values
    .map(({ fieldId, value }) => ({ field: fields.find(({ id }) => id === fieldId), value }))
    .filter(({ field }) => field !== undefined)
    .map(({ field: { label, unit = '' }, value }) => `${label} ${value}\u00a0${unit}`.trim());
  setText(byId('device-refused-title'), `${count(refused.length, 'reading')} in quarantine`);
  setText(byId('device-refused-reason'), `${explainRefusal(reason)} (${named.join(', ')})`);
}
