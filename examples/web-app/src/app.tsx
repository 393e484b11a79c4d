import { isApiException, type Status } from 'nikdev-iot';
import { type TargetedEvent, useState } from 'preact/compat';
import { api } from './api.js';
import { type Field, useReadings, useStatus } from './hooks.js';

const METERS: { field: Field; label: string; unit: string }[] = [
  { field: 'water', label: 'Water', unit: 'm³' },
  { field: 'power', label: 'Power', unit: 'kWh' },
];

const time = (timestamp: number): string => new Date(timestamp * 1000).toLocaleTimeString();

export function App() {
  const status = useStatus();
  const { readings, problem } = useReadings();
  return (
    <>
      <h1>Meter readings</h1>
      <ReadingForm />
      <Waiting status={status} />
      <section aria-labelledby="stored">
        <h2 id="stored">At the server</h2>
        <dl>
          {METERS.map(({ field, label, unit }) => (
            <div key={field}>
              <dt>{label}</dt>
              <dd>{readings[field] === undefined ? '–' : `${readings[field]} ${unit}`}</dd>
            </div>
          ))}
        </dl>
        {problem && <p>{problem}</p>}
      </section>
    </>
  );
}

function ReadingForm() {
  const [problem, setProblem] = useState('');

  const save = (event: TargetedEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = event.currentTarget;
    try {
      for (const [field, text] of new FormData(form)) {
        if (text !== '') api.addValue(field as Field, Number(text));
      }
      // Saved when this returns, with or without a network; it is pushed automatically.
      setProblem(api.commit() ? '' : 'Fill in a meter first.');
      form.reset();
    } catch (error) {
      setProblem(isApiException(error) ? `${error.message} ${error.advice}` : String(error));
    }
  };

  return (
    <form onSubmit={save}>
      {METERS.map(({ field, label, unit }) => (
        <label key={field}>
          {label} ({unit})
          <input name={field} type="number" step="any" inputMode="decimal" />
        </label>
      ))}
      <button type="submit">Save</button>
      <p role="alert">{problem}</p>
    </form>
  );
}

function Waiting({ status }: { status: Status }) {
  const { committed, quarantined, nextTry, lastPush, lastException, durability, online, warnings } = status;
  return (
    <section aria-labelledby="waiting">
      <h2 id="waiting">On this device</h2>
      <p role="status">{describe(status)}</p>
      {!online && <p role="status">{describeNetwork()}</p>}
      {committed > 0 && durability === 'none' && <p>They are lost when this page is closed: keep it open.</p>}
      {committed > 0 && (
        <button type="button" onClick={() => api.resume()}>
          Push now
        </button>
      )}
      {online && lastException && <p>{lastException.message}</p>}
      {committed > 0 && nextTry && <p>Next try at {time(nextTry)}</p>}
      {quarantined > 0 && <p>{quarantined} refused by the server</p>}
      {lastPush && <p>Last pushed at {time(lastPush.at)}</p>}
      {warnings.map(({ code, message }) => (
        <p key={code}>{message}</p>
      ))}
    </section>
  );
}

function describe({ committed, pushing }: Status): string {
  if (pushing) return 'Pushing…';
  if (committed === 0) return 'Nothing is queued';
  return `${committed} saved, not pushed yet`;
}

/** The platform knows only whether there is a network, not whether it leads to the server. */
function describeNetwork(): string {
  const problem = navigator.onLine ? 'The server can’t be reached' : 'No network';
  return `${problem}: saved readings are pushed as soon as there is a connection.`;
}
