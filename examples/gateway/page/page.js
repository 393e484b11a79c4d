const POLL_MS = 1000;

const element = (id) => document.getElementById(id);
const whole = new Intl.NumberFormat('en');
const time = new Intl.DateTimeFormat('en', { timeStyle: 'medium', hourCycle: 'h23' });

const STATES = { leader: 'runs, leads the stream', runs: 'runs', killed: 'killed' };

let shownEvents = 0;

follow();

async function follow() {
  for (;;) {
    const response = await fetch('state.json').catch(() => undefined);
    if (!response?.ok) return showState('The demo has ended.');
    const state = await response.json();
    show(state);
    if (state.result) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function show({ phase, result, figures, latency, processes, events }) {
  if (result) showState(`${result.text}.`, result.isGood ? 'good' : 'bad');
  else showState(phase);
  for (const [id, figure] of Object.entries(figures)) setText(element(id), whole.format(figure));
  for (const [id, percentiles] of Object.entries(latency)) {
    setText(element(`${id}-p50`), duration(percentiles?.p50));
    setText(element(`${id}-p99`), duration(percentiles?.p99));
  }
  element('processes').replaceChildren(...processes.map(processItem));
  element('events').prepend(...events.slice(shownEvents).reverse().map(eventItem));
  shownEvents = events.length;
}

function duration(milliseconds) {
  if (milliseconds === undefined) return '–';
  return milliseconds < 1000 ? `${milliseconds} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

function showState(text, state = '') {
  setText(element('state'), text);
  element('state').dataset.state = state;
}

/** A screen reader announces the state when it changes, not each second. */
function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

function processItem({ name, state }) {
  const item = document.createElement('li');
  item.dataset.state = state;
  const label = document.createElement('span');
  label.textContent = STATES[state];
  item.append(name, ' ', label);
  return item;
}

function eventItem({ at, text }) {
  const item = document.createElement('li');
  const when = document.createElement('time');
  when.dateTime = new Date(at).toISOString();
  when.textContent = time.format(at);
  item.append(when, text);
  return item;
}
