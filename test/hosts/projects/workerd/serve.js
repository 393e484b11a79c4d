import { createRequire } from 'node:module';
import { join } from 'node:path';

const { RUNTIMES, SERVER, VALUE } = process.env;
const { Miniflare } = createRequire(join(RUNTIMES, 'package.json'))('miniflare');

const miniflare = new Miniflare({
  modules: true,
  scriptPath: 'dist/worker.js',
  compatibilityDate: '2026-07-01',
  // Not asked for over the network.
  cf: false,
  bindings: { SERVER, VALUE },
});
try {
  const response = await miniflare.dispatchFetch('http://localhost/');
  console.log(await response.text());
} finally {
  await miniflare.dispose();
}
