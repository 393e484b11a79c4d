import { note } from './activity.js';
import { explain } from './explain.js';
import { byId, make, setText } from './page.js';
import { count } from './text.js';

/** A form that stages what is entered, commits and pushes. */
export function createForm(api, fields, link) {
  const inputs = fields.map(createInput);
  const first = inputs[0].element;
  byId('inputs').replaceChildren(...inputs.map(({ row }) => row));
  byId('writing').hidden = false;

  const stage = () => {
    const filled = inputs.filter(({ element }) => element.value !== '');
    if (filled.length === 0) {
      first.focus();
      return setText(byId('problem'), 'Fill in a value first.');
    }
    api.addValues(Object.fromEntries(filled.map(({ field, read }) => [field.id, read()])));
    note(`Staged ${filled.map(({ field, element }) => nameValue(field, element.value)).join(', ')}`);
    for (const { element } of filled) element.value = '';
    return first.focus();
  };
  const commit = () => {
    const entry = api.commit();
    if (entry) note(`Committed ${count(entry.values.length, 'value')}`);
    else setText(byId('problem'), 'Nothing is staged.');
  };
  const push = async () => {
    if (api.status().committed === 0) return setText(byId('problem'), 'Nothing is committed.');
    if (link.isCut) return setText(byId('problem'), 'This page is offline: what is committed stays queued.');
    return pushAll(api);
  };
  byId('form').addEventListener('submit', (event) => {
    event.preventDefault();
    void attempt(stage);
  });
  byId('commit').addEventListener('click', () => attempt(commit));
  byId('push').addEventListener('click', () => attempt(push));
  followStatus(api);
}

async function pushAll(api) {
  try {
    await api.push();
  } catch (error) {
    const refused = error.quarantined?.length ?? 0;
    if (refused === 0 || api.status().committed > 0) throw error;
    // The list of what is on its way says which, and why.
    setText(byId('problem'), `The server refused ${count(refused, 'entry', 'entries')}. The others are stored.`);
  }
}

async function attempt(action) {
  setText(byId('problem'), '');
  try {
    await action();
  } catch (error) {
    setText(byId('problem'), explain(error, consequenceOf(error)));
  }
}

function consequenceOf({ name, retainedData }) {
  if (name === 'StorageException') return 'The values are still staged.';
  return retainedData ? 'Committed values stay queued.' : '';
}

/** Not really disabled: a button that loses the focus strands those who use a keyboard. */
function followStatus(api) {
  const show = () => {
    const { staged, committed, pushing } = api.status();
    byId('commit').setAttribute('aria-disabled', String(staged === 0));
    byId('push').setAttribute('aria-disabled', String(committed === 0 || pushing));
  };
  api.subscribe(show);
  show();
}

function createInput(field, index) {
  const { label, unit, input } = field;
  const id = `input-${index}`;
  const element = input === 'boolean' ? makeChoice(id) : make('input', '', { id, type: input });
  if (input === 'number') element.step = 'any';
  const row = make('div', [make('label', unit ? `${label} (${unit})` : label, { htmlFor: id }), element]);
  return { field, element, row, read: () => READ[input](element.value) };
}

function makeChoice(id) {
  const options = ['', 'true', 'false'].map((value) => make('option', value || '–', { value }));
  return make('select', options, { id });
}

const READ = { number: Number, text: String, boolean: (text) => text === 'true' };

/** As text for people. */
export function nameValue({ label, unit = '' }, value) {
  return `${label} ${value}\u00a0${unit}`.trim();
}
