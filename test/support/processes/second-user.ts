import { spawnSync } from 'node:child_process';
import { describe } from 'vitest';

/** The user nobody, whom root may become. */
export const NOBODY = 65_534;
const AS_NOBODY = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] as const;

/** Runs a shell script as another user. @param args - Its `$1` and so on. */
export function asNobody(script: string, ...args: readonly string[]): void {
  const [program, ...options] = AS_NOBODY;
  const { status, stderr, error } = spawnSync(program, [...options, 'sh', '-ec', script, 'sh', ...args]);
  if (status !== 0) throw new Error(`as nobody: ${error?.message ?? String(stderr).trim()}`);
}

/**
 * Describes tests that need a second user. Where this one may not become nobody they are skipped, with a line that says so;
 * where `CI` is set and the user is root they fail.
 */
export function describeWithSecondUser(name: string, define: () => void): void {
  const reason = whyNot();
  if (reason === undefined || (process.env['CI'] && process.getuid?.() === 0)) {
    describe(name, define);
    return;
  }
  console.warn(`"${name}" is skipped, as this user may not become another one: ${reason}`);
  describe.skip(name, define);
}

function whyNot(): string | undefined {
  try {
    asNobody('true');
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
