import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [runtimes, project, format, serverUrl] = process.argv.slice(2);
const { Miniflare } = createRequire(join(runtimes, 'package.json'))('miniflare');
const extension = { esm: 'js', cjs: 'cjs' }[format];
const dist = 'node_modules/nikdev-iot/dist';
const shared = readdirSync(join(project, dist, 'shared')).map((name) => `shared/${name}`);
const paths = [
  { esm: 'everywhere.mjs', cjs: 'everywhere.cjs' }[format],
  ...['index', 'emulator'].map((name) => `${dist}/${name}.${extension}`),
  ...shared.filter((name) => name.endsWith(`.${extension}`)).map((name) => `${dist}/${name}`),
];
const suite = {
  esm: "import * as suite from './everywhere.mjs';",
  cjs: "import suite from './everywhere.cjs';",
}[format];
const worker = `${suite}
export default { fetch: async (_request, { SERVER }) => Response.json(await suite.start(SERVER)) };`;

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
  bindings: { SERVER: serverUrl },
});
try {
  const response = await miniflare.dispatchFetch('http://localhost/');
  console.log(await response.text());
} finally {
  await miniflare.dispose();
}
