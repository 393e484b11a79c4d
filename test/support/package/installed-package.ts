import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const run = promisify(execFile);

/** The environment without the variables of an npm that runs these tests. */
const env = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name))),
  npm_config_offline: 'true',
  npm_config_audit: 'false',
  npm_config_fund: 'false',
};

/** A folder of a program that has installed this package from its tarball, as it would be published. */
export interface Consumer {
  readonly folder: string;
  /** Makes an empty folder in it. */
  newFolder(): string;
  remove(): void;
}

/**
 * Packs the built package, and installs it in another folder.
 *
 * @param install - The command that installs it, with `nikdev-iot` for the tarball.
 * @param others - Names of packages that the program has too: as they are here.
 */
export async function installPacked(install: string, others: readonly string[] = []): Promise<Consumer> {
  const folder = mkdtempSync(join(tmpdir(), 'nikdev-iot-consumer-'));
  try {
    // Without it npm would install next to a package.json further up.
    writeFileSync(join(folder, 'package.json'), '{ "private": true }');
    // Scripts could rebuild files that other tests are reading.
    const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
    const { stdout } = await run('npm', pack, { cwd: root, env });
    const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
    const command = install.replace(/\bnikdev-iot\b/, join(folder, filename));
    await run('sh', ['-c', command], { cwd: folder, env });
    for (const name of others) symlinkSync(`${root}node_modules/${name}`, join(folder, 'node_modules', name));
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw error;
  }
  let folders = 0;
  return {
    folder,
    newFolder() {
      folders += 1;
      const made = join(folder, `run-${folders}`);
      mkdirSync(made);
      return made;
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}
