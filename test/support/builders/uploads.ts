import type { Entry } from '../../../src/index.js';

/** An entry as the wire has it: pairs, so that a field called `__proto__` is seen as well. */
export interface UploadedEntry {
  readonly timestamp: number;
  readonly values: readonly (readonly [fieldId: string, value: unknown])[];
}

/** The entries of an upload's body. Throws unless each value is an object with one key, as the protocol says. */
export function uploadedEntries(body: string): UploadedEntry[] {
  const { entries } = JSON.parse(body) as { entries: { timestamp: number; values: object[] }[] };
  return entries.map(({ timestamp, values }) => ({
    timestamp,
    values: values.map((value) => {
      const [pair, ...others] = Object.entries(value);
      if (pair === undefined || others.length > 0) throw new Error(`not one field: ${JSON.stringify(value)}`);
      return pair;
    }),
  }));
}

/** Entries as they must be uploaded. */
export function asUploaded(entries: readonly Entry[]): UploadedEntry[] {
  return entries.map(({ timestamp, values }) => ({
    timestamp,
    values: values.map(({ fieldId, value }) => [fieldId, value] as const),
  }));
}
