/**
 * The sum of the rows. Runtimes that leave out the same must have run the same number of tests.
 *
 * @param rows - For each run its `runtime` and `format`, what it is `without`, how many `tests` it ran, how many of them
 *   `passed`, and its `failures`.
 * @returns How many passed, and all failures.
 */
export function tally(rows) {
  const all = rows.flatMap(({ failures }) => failures);
  for (const { runtime, format, without, tests, failures } of rows) {
    const most = Math.max(...rows.filter((row) => row.without === without).map((row) => row.tests));
    // Of a run that failed it is known why it ran fewer.
    if (tests < most && failures.length === 0) all.push(`${runtime} (${format}): ran ${tests} tests of ${most}`);
  }
  return { passed: rows.reduce((sum, { passed }) => sum + passed, 0), failures: all };
}
