import { spawnSync } from 'node:child_process';
import { describe } from 'vitest';

/** Runs a command in a pid namespace of its own, where it is process 1; it ends with its parent process. */
export const IN_CONTAINER = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'] as const;

/**
 * Describes tests that need pid namespaces, as containers have them. Where none may be made they are skipped, with a line
 * that says so; where `CI` is set and the user is root they fail.
 */
export function describeWithContainers(name: string, define: () => void): void {
  const [command, ...rest] = IN_CONTAINER;
  const { status, stderr, error } = spawnSync(command, [...rest, 'true']);
  if (status === 0 || (process.env['CI'] && process.getuid?.() === 0)) {
    describe(name, define);
    return;
  }
  const reason = error?.message ?? String(stderr).trim();
  console.warn(`"${name}" is skipped, as no pid namespace can be made here: ${reason}`);
  describe.skip(name, define);
}
