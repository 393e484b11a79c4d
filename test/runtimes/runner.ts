/**
 * The part of vitest that the suite needs, for runtimes that vitest does not run in: the bundle takes this in its place. Tests run one
 * after another.
 */

export interface Report {
  readonly tests: number;
  readonly failures: readonly string[];
}

type Body = (...args: never[]) => unknown;

const SECONDS = 20;
const tests: { readonly name: string; readonly body: () => unknown }[] = [];
const ends: (() => unknown)[] = [];
let path: readonly string[] = [];

export function describe(name: string, body: () => void): void {
  const outer = path;
  path = [...outer, name];
  body();
  path = outer;
}

export function test(name: string, body: Body): void {
  tests.push({ name: [...path, name].join(' > '), body: body as () => unknown });
}

/** Each row is a test; a row that is a list is the test's arguments. */
test.each =
  (rows: readonly unknown[]) =>
  (name: string, body: Body): void => {
    for (const row of rows) {
      const args = (Array.isArray(row) ? row : [row]) as never[];
      test(
        name.replace(/%[so]/, () => (typeof args[0] === 'string' ? args[0] : show(args[0]))),
        () => body(...args),
      );
    }
  };

export const onTestFinished = (end: () => unknown): void => void ends.push(end);

/** Runs all tests that were named. */
export async function run(): Promise<Report> {
  const failures: string[] = [];
  for (const { name, body } of tests) {
    try {
      await inTime(body);
    } catch (error) {
      failures.push(`${name}\n${error instanceof Error ? (error.stack ?? error.message) : show(error)}`);
    }
    for (const end of ends.splice(0).reverse()) await end();
  }
  return { tests: tests.length, failures };
}

async function inTime(body: () => unknown): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${SECONDS} s`)), SECONDS * 1000);
  });
  try {
    await Promise.race([body(), late]);
  } finally {
    clearTimeout(timer);
  }
}

export function expect(actual: unknown) {
  const claim = (holds: boolean, wanted: string): void => {
    if (!holds) throw new Error(`expected ${wanted}, got ${show(actual)}`);
  };
  return {
    toBe: (wanted: unknown) => claim(Object.is(actual, wanted), show(wanted)),
    toBeNull: () => claim(actual === null, 'null'),
    toEqual: (wanted: unknown) => claim(isAlike(actual, wanted), show(wanted)),
    toMatchObject: (wanted: unknown) => claim(isAlike(actual, wanted, true), `what has ${show(wanted)}`),
    toHaveLength: (wanted: number) => claim((actual as ArrayLike<unknown>).length === wanted, `length ${wanted}`),
    toMatch: (wanted: RegExp) => claim(wanted.test(actual as string), String(wanted)),
    toBeLessThanOrEqual: (wanted: number) => claim((actual as number) <= wanted, `at most ${wanted}`),
    toBeInstanceOf: (wanted: abstract new (...args: never[]) => unknown) =>
      claim(actual instanceof wanted, `an instance of ${wanted.name}`),
  };
}

/** @param partly - Whether `actual` may have members that `wanted` has not; items of lists never. */
function isAlike(actual: unknown, wanted: unknown, partly = false): boolean {
  if (Object.is(actual, wanted)) return true;
  if (typeof actual !== 'object' || typeof wanted !== 'object' || actual === null || wanted === null) return false;
  if (Array.isArray(actual) !== Array.isArray(wanted)) return false;
  const [has, wants] = [actual, wanted] as Record<string, unknown>[];
  if (has === undefined || wants === undefined) return false;
  const names = new Set([...Object.keys(wants), ...(partly && !Array.isArray(wanted) ? [] : Object.keys(has))]);
  return [...names].every((name) => isAlike(has[name], wants[name], partly));
}

function show(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  return (JSON.stringify(value) ?? String(value)).slice(0, 1000);
}
