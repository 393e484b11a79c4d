export default {
  name: 'Node 18',
  programs: ['node-18'],
  node: 'node-18',
  checks: {
    'an ES module, with fileStorage': async ({ journey }) => (await journey()).inProcess(['device.js']),
    'a CommonJS module, with fileStorage': async ({ journey }) => (await journey()).inProcess(['device.cjs']),
  },
};
