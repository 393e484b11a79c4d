import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { blocksOf, readPage } from '../support/package/markdown.js';

interface Host {
  readonly name: string;
  readonly packages?: readonly string[];
  readonly programs?: readonly string[];
  readonly checks: Readonly<Record<string, unknown>>;
}

interface Manifest {
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const SIZED = ['esbuild', 'parcel', 'rollup', 'rspack', 'vite-react', 'webpack'];
const PROJECTS = new URL('projects/', import.meta.url);
const RUNTIMES = new URL('../runtimes/versions/', import.meta.url);
const page = readPage('docs/hosts.md');

const json = <Json>(url: URL): Json => JSON.parse(readFileSync(url, 'utf8')) as Json;

/** `name version` for each name; in the place of an alias the version that it stands for. */
function versionsOf(names: readonly string[], manifest: Manifest): string[] {
  const declared = { ...manifest.devDependencies, ...manifest.optionalDependencies };
  return names.map((name) => {
    const version = declared[name]?.replace(/^npm:.*@/, '');
    return `${name.replace(/-(?:oldest|newest|\d+)$/, '')} ${version}`;
  });
}

const hosts = await Promise.all(
  readdirSync(PROJECTS).map(async (id) => {
    const folder = new URL(`${id}/`, PROJECTS);
    const { default: host } = (await import(new URL('host.mjs', folder).href)) as { default: Host };
    const { packages = [], programs = [] } = host;
    const ofProject = versionsOf(packages, json(new URL('package.json', folder)));
    // workerd comes with Miniflare.
    const own = programs.filter((name) => name !== 'workerd');
    const versions = [...ofProject, ...versionsOf(own, json(new URL('package.json', RUNTIMES)))];
    return { id, ...host, versions: versions.join(', ') };
  }),
);

const rows = [...page.matchAll(/^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]*) \|$/gm)].map(([, ...cells]) => cells);

describe('docs/hosts.md', () => {
  test.each(hosts)('has the versions and checks of $name', ({ name, versions, checks }) => {
    const [, ofPage, checked] = rows.find(([host]) => host === name) ?? [];
    expect(ofPage).toBe(versions);
    expect(checked).toBe(Object.keys(checks).join('; '));
  });

  test('has no other hosts', () => {
    const names = rows.slice(2).map(([name]) => name);
    expect(names.sort()).toEqual(hosts.map(({ name }) => name).sort());
  });

  test('has recipes that are files of the projects', () => {
    const files = readdirSync(PROJECTS, { recursive: true, encoding: 'utf8' }).filter((path) => /\.\w+$/.test(path));
    const texts = new Set(files.map((path) => readFileSync(new URL(path, PROJECTS), 'utf8').trim()));
    const blocks = blocksOf(page);
    expect(blocks.filter(({ code }) => !texts.has(code.trim()))).toEqual([]);
    const sections = new Set(blocks.map(({ section }) => section));
    expect([...sections].sort()).toEqual(
      ['Angular', 'Jest', 'Pinia', 'Solid', 'Svelte', 'Vue', 'Vue: `ref(api)`'].sort(),
    );
  });
});

test('docs/measurements.md has the sizes of the bundlers that are installed', () => {
  const measurements = readPage('docs/measurements.md');
  for (const { id, packages = [], versions } of hosts) {
    if (!SIZED.includes(id)) continue;
    const bundler = versions.split(', ').slice(0, id === 'vite-react' ? 1 : packages.length);
    expect(measurements).toContain(`| ${bundler.join(', ')} | `);
  }
});

test.each(hosts)('the lock file of $name names no registry', ({ id }) => {
  const lock = readdirSync(new URL(`${id}/`, PROJECTS)).find((name) => name === 'package-lock.json');
  if (lock !== undefined) expect(readFileSync(new URL(`${id}/${lock}`, PROJECTS), 'utf8')).not.toMatch(/"resolved"/);
});
