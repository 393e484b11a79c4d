export default {
  name: 'workerd, Miniflare',
  packages: ['esbuild'],
  programs: ['miniflare', 'workerd'],
  node: 'node-24',
  build: ({ run }) => run(['build.js']),
  checks: {
    'a worker, bundled by esbuild': async ({ journey, runtimes }) =>
      await (await journey()).inProcess(['serve.js'], { env: { RUNTIMES: runtimes } }),
  },
};
