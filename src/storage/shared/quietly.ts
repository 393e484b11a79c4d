/** Runs an operation and ignores its failure. @returns `undefined` if it failed. */
export function quietly<Result>(operate: () => Result): Result | undefined {
  try {
    return operate();
  } catch {
    return undefined;
  }
}
