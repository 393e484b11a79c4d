import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

// Without a server's URL the module is imported, and nothing more.
const [runtimes, project, format, main, serverUrl] = process.argv.slice(2);
const { Miniflare } = createRequire(join(runtimes, 'package.json'))('miniflare');
const extension = { esm: 'js', cjs: 'cjs' }[format];
const dist = 'node_modules/nikdev-iot/dist';
const shared = readdirSync(join(project, dist, 'shared')).map((name) => `shared/${name}`);
const paths = [
  ...(main.startsWith(dist) ? [] : [main]),
  ...['index', 'react-native', 'opfs', 'emulator'].map((name) => `${dist}/${name}.${extension}`),
  ...shared.filter((name) => name.endsWith(`.${extension}`)).map((name) => `${dist}/${name}`),
];
const imported = { esm: `import * as main from './${main}';`, cjs: `import main from './${main}';` }[format];
const worker = `${imported}
export default {
  async fetch({ url }, { SERVER }) {
    if (!SERVER) return new Response(Object.keys(main)[0]);
    const { pathname } = new URL(url);
    const run = { '/shared': main.pushShared, '/loaded': main.pushLoaded }[pathname] ?? main.start;
    return Response.json(await run(SERVER));
  },
};`;

const miniflare = new Miniflare({
  rootPath: project,
  modulesRoot: project,
  modules: [
    { type: 'ESModule', path: join(project, 'worker.mjs'), contents: worker },
    ...paths.map((path) => ({ type: { esm: 'ESModule', cjs: 'CommonJS' }[format], path: join(project, path) })),
  ],
  compatibilityDate: '2026-07-01',
  // Not asked for over the network.
  cf: false,
  bindings: { SERVER: serverUrl ?? '' },
});
try {
  const response = await miniflare.dispatchFetch('http://localhost/');
  const text = await response.text();
  if (serverUrl !== undefined) {
    const report = JSON.parse(text);
    const failures = await Promise.all([pushFromRequestsAtOnce(), pushFromLoaded()]);
    report.failures.push(...failures.filter((failure) => failure !== undefined));
    console.log(JSON.stringify({ ...report, tests: report.tests + failures.length }));
  }
} finally {
  await miniflare.dispose();
}

/** F56: requests of a worker that share one `Api` are each answered, and each entry is pushed once. @returns The failure. */
async function pushFromRequestsAtOnce() {
  const answers = await Promise.all(
    Array.from({ length: 6 }, async () => {
      const response = await miniflare.dispatchFetch('http://localhost/shared');
      return response.text();
    }),
  );
  const pushed = answers.reduce((sum, answer) => sum + Number(answer), 0);
  return pushed === 6
    ? undefined
    : `F56 six requests with one Api: expected 6 entries pushed, got ${answers.join(' | ')}`;
}

/** F56: an `Api` that is made while the module is loaded works in a request. @returns The failure. */
async function pushFromLoaded() {
  const response = await miniflare.dispatchFetch('http://localhost/loaded');
  const pushed = await response.text();
  return pushed === '1'
    ? undefined
    : `F56 an Api made while the module is loaded: expected 1 entry pushed, got ${pushed}`;
}
