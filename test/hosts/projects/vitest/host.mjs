export default {
  name: 'Vitest',
  packages: ['vitest', 'jsdom'],
  node: 'node-24',
  checks: {
    'the environment node': async ({ journey }) =>
      (await journey()).inProcess(['node_modules/vitest/vitest.mjs', 'run', '--environment', 'node']),
    'the environment jsdom': async ({ journey }) =>
      (await journey()).inProcess(['node_modules/vitest/vitest.mjs', 'run', '--environment', 'jsdom']),
  },
};
