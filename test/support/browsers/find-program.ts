import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The first of some programs that can be run: each by its path, or by its name where `PATH` has it. */
export function findProgram(...candidates: readonly (string | undefined)[]): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return candidates
    .flatMap((candidate) => {
      if (!candidate) return [];
      return candidate.includes('/') ? [candidate] : folders.map((folder) => join(folder, candidate));
    })
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
