import type { Value } from '../../core/model/value.js';

/** The staged values of a run. */
export interface StagedValues {
  /** The number of the run; more recent runs have higher numbers. */
  readonly run: number;
  readonly values: readonly Value[];
}

/** Records have 15 digits for the number. */
const MAX_RUN = 999_999_999_999_999;

/** The number of the next run that stages values. @param text - The number of the last such run; counting restarts if it is damaged. */
export function nextRun(text: string | null): number {
  const last = Number(text);
  return Number.isInteger(last) && last >= 0 && last < MAX_RUN ? last + 1 : 1;
}

/** The values of the most recent run; empty if there is no run. */
export function latestStaged(runs: readonly StagedValues[]): readonly Value[] {
  const [latest] = [...runs].sort((one, other) => other.run - one.run);
  return latest?.values ?? [];
}
