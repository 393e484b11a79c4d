import { destinationOf, isRefusal, type ModelEntry, remembered, valuesOf } from './journal-model.js';

/** The contents of a writer's keys, only by the description of the layout: this shares no code with the tested modules. */
export interface ModelWriter {
  readonly destination: string | undefined;
  readonly life: string | undefined;
  readonly staged: { readonly run: number; readonly text: string } | undefined;
  readonly entries: ReadonlyMap<string, ModelEntry>;
}

const KEY = /^nikdev-iot\/1\/([\da-z]{16})\/(writer|staged|life|[1-9]\d{0,14})$/;

/** @returns By id. */
export function writersOf(items: ReadonlyMap<string, string>): Map<string, ModelWriter> {
  const writers = new Map<string, ModelWriter & { readonly entries: Map<string, ModelEntry> }>();
  for (const key of items.keys()) {
    const [, id, what] = KEY.exec(key) ?? [];
    if (id === undefined || what === undefined) continue;
    const [destination, life, staged] = ['writer', 'life', 'staged'].map((one) =>
      items.get(`nikdev-iot/1/${id}/${one}`),
    );
    const writer = writers.get(id) ?? {
      destination: destinationOf(destination ?? ''),
      life,
      staged: stagedOf(staged ?? ''),
      entries: new Map<string, ModelEntry>(),
    };
    writers.set(id, writer);
    const record = /^\d/.test(what) ? recordOf(items.get(key) ?? '') : undefined;
    if (record) writer.entries.set(key, { id: `${id}-${what}`, destination: writer.destination, ...record });
  }
  return writers;
}

const stagedOf = remembered((text) => {
  const [, run, values = ''] = /^\{"version":1,"run":(0|[1-9]\d{0,14}),"values":(.*)\}$/s.exec(text) ?? [];
  return run === undefined || valuesOf(values) === undefined ? undefined : { run: Number(run), text: values };
});

type ModelRecord = Pick<ModelEntry, 'timestamp' | 'text' | 'rejection'>;

/** An entry as `commit()` makes it, to the last unit, or nothing. */
const recordOf = remembered((text): ModelRecord | undefined => {
  let parsed: { timestamp?: unknown; rejection?: unknown; values?: unknown };
  try {
    parsed = JSON.parse(text) ?? {};
  } catch {
    return undefined;
  }
  const { timestamp } = parsed;
  const [rejection, values = ''] = [parsed.rejection, parsed.values].map((part) => JSON.stringify(part));
  const pairs = valuesOf(values);
  if (!pairs || pairs.length === 0 || (rejection !== undefined && !isRefusal(rejection))) return undefined;
  if (!Number.isInteger(timestamp) || Object.is(timestamp, -0)) return undefined;
  const seconds = timestamp as number;
  const why = rejection === undefined ? '' : `"rejection":${rejection},`;
  const isWhole = text === `{"version":1,"timestamp":${seconds},${why}"values":${values}}`;
  return isWhole && seconds >= 0 && seconds < 100_000_000_000
    ? { timestamp: seconds, text: values, rejection }
    : undefined;
});
