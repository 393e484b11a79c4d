import { explainRefusal, explainWarning } from './explain.js';
import { byId, make } from './page.js';
import { clockTime, count, seconds } from './text.js';

const LINES = 30;

// Its lines may be more than there is space for: the keyboard scrolls them.
byId('log').tabIndex = 0;

/** Writes down what happened, the newest first. */
export function note(text, kind = 'plain') {
  const list = byId('activity');
  const time = make('time', clockTime(seconds()), { dateTime: new Date().toISOString() });
  list.prepend(make('li', [time, ' ', make('span', text, { className: kind })]));
  while (list.children.length > LINES) list.lastElementChild.remove();
}

export function noteEvents(api) {
  api.on('push', ({ entries, requests, milliseconds }) => {
    const took = `${count(requests, 'request')}, ${Math.round(milliseconds)}\u00a0ms`;
    note(`Pushed ${count(entries, 'entry', 'entries')} (${took})`, 'good');
  });
  api.on('adopt', ({ entries, staged }) => {
    const parts = [entries > 0 && count(entries, 'entry', 'entries'), staged > 0 && count(staged, 'staged value')];
    note(`Adopted ${parts.filter(Boolean).join(' and ')} of an earlier visit`);
  });
  api.on('quarantine', ({ entries, message }) => {
    note(`Quarantined ${count(entries.length, 'entry', 'entries')}: ${explainRefusal(message)}`, 'bad');
  });
  api.on('warning', (warning) => {
    note(explainWarning(warning), 'bad');
    console.warn(warning.message);
  });
}
