import { note } from './activity.js';
import { explain, explainRefusal, explainWarning } from './explain.js';
import { byId, make, setText } from './page.js';
import { clockTime, count, duration } from './text.js';

const TICK_MS = 1000;

const SURVIVES = {
  none: 'Committed values are lost when this page ends.',
  tab: 'Committed values survive a reload and a crash of this tab.',
  process: 'Committed values survive a crash.',
  power: 'Committed values survive a power cut.',
};

/** Shows where values are on their way to the server, as that changes. */
export function showQueue(api, describe) {
  let pushed = 0;
  api.on('push', ({ entries }) => {
    pushed += entries;
  });
  const show = () => {
    const status = api.status();
    showStage('staged', status.staged, status.staged > 0 ? 'not yet committed' : 'nothing');
    showStage('committed', status.committed, waitingText(status));
    showStage('pushed', pushed, pushingText(status));
    showStage('quarantined', status.quarantined, status.quarantined > 0 ? 'refused' : '');
    byId('pushed').classList.toggle('moving', status.pushing);
    setText(byId('durability'), SURVIVES[status.durability] ?? '');
    byId('durability').dataset.durability = status.durability;
    const warnings = new Set(status.warnings.map(explainWarning));
    byId('warnings').replaceChildren(...[...warnings].map((text) => make('li', text)));
    showRefused(api.quarantined(), describe);
  };
  byId('queue').hidden = false;
  byId('restore').addEventListener('click', () => act(() => restoreRefused(api)));
  byId('drop').addEventListener('click', () => act(() => dropRefused(api)));
  api.subscribe(show);
  // Ages change with time.
  setInterval(() => document.hidden || show(), TICK_MS);
  show();
}

function showStage(id, number, hint) {
  const stage = byId(id);
  setText(stage.querySelector('strong'), String(number));
  setText(stage.querySelector('small'), hint);
  stage.classList.toggle('filled', number > 0);
}

function waitingText({ committed, oldestAgeSeconds }) {
  return committed > 0 ? `oldest ${duration(oldestAgeSeconds ?? 0)}` : 'nothing waits';
}

function pushingText({ pushing, lastPush }) {
  if (pushing) return 'pushing…';
  return lastPush ? clockTime(lastPush.at) : 'none yet';
}

function showRefused(entries, describe) {
  byId('refused').hidden = entries.length === 0;
  byId('refused-entries').replaceChildren(
    ...entries.map((entry) => make('li', [describe(entry), ' ', make('small', explainRefusal(entry.reason))])),
  );
}

function restoreRefused(api) {
  const restored = api.restore(api.quarantined());
  note(`Restored ${count(restored.length, 'entry', 'entries')}`);
}

function dropRefused(api) {
  note(`Dropped ${count(api.dropQuarantined(), 'refused entry', 'refused entries')}`);
}

function act(action) {
  try {
    action();
  } catch (error) {
    note(explain(error), 'bad');
  }
  // The button is gone with what it was for.
  byId('queue-title').focus();
}
