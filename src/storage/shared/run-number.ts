import type { Value } from '../../core/model/value.js';

/** What a run has staged. */
export interface StagedValues {
  /** The run's number: of two, the higher is the more recent. */
  readonly run: number;
  readonly values: readonly Value[];
}

/** The most that a record has digits for. */
const MOST = 999_999_999_999_999;

/** The number of a run that stages something, after `text`, which is that of the last one; where it is damaged, all begins anew. */
export function nextRun(text: string | null): number {
  const last = Number(text);
  return Number.isInteger(last) && last >= 0 && last < MOST ? last + 1 : 1;
}

/** The values of the most recent of the runs; empty where there are none. */
export function latestStaged(runs: readonly StagedValues[]): readonly Value[] {
  const [latest] = [...runs].sort((one, other) => other.run - one.run);
  return latest?.values ?? [];
}
