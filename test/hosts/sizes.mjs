import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { fetchRuntimes } from '../runtimes/fetch-runtimes.mjs';
import { hostContext } from './host-context.mjs';
import { installer } from './install.mjs';
import { loadHost } from './load-host.mjs';

// Prints the bytes that `import { Api }` adds to a page, by bundler, as the table of docs/measurements.md.

const IDS = ['esbuild', 'parcel', 'rollup', 'rspack', 'vite-react', 'webpack'];

const runtimes = await fetchRuntimes(() => true);
const packages = await installer(runtimes.folder);
try {
  const hosts = await Promise.all(IDS.map(loadHost));
  const installed = packages.installAll(hosts);
  const rows = [];
  for (const host of hosts) rows.push(await measure(host, await installed.get(host.id)));
  rows.sort((one, other) => one.brotli - other.brotli);
  console.log('| bundler | minified | gzip | brotli |\n| --- | --- | --- | --- |');
  for (const { bundler, ...bytes } of rows)
    console.log(`| ${bundler} | ${Object.values(bytes).map(shown).join(' | ')} |`);
} finally {
  packages.remove();
}

async function measure(host, folder) {
  const context = hostContext({ host, folder, runtimes: runtimes.folder });
  try {
    await host.build(context);
  } finally {
    await context.end();
  }
  const code = readFileSync(join(folder, host.size));
  const bundler = packages.versionsOf(host, folder).replace(/, react .*/, '');
  return {
    bundler,
    minified: code.length,
    gzip: gzipSync(code, { level: 9 }).length,
    brotli: brotliCompressSync(code).length,
  };
}

function shown(bytes) {
  return `${(bytes / 1000).toFixed(1)} kB`;
}
