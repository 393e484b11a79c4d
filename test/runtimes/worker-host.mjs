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
  ...['index', 'emulator'].map((name) => `${dist}/${name}.${extension}`),
  ...shared.filter((name) => name.endsWith(`.${extension}`)).map((name) => `${dist}/${name}`),
];
const imported = { esm: `import * as main from './${main}';`, cjs: `import main from './${main}';` }[format];
const worker = `${imported}
export default {
  fetch: async (_request, { SERVER }) => (SERVER ? Response.json(await main.start(SERVER)) : new Response(Object.keys(main)[0])),
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
  if (serverUrl !== undefined) console.log(text);
} finally {
  await miniflare.dispose();
}
