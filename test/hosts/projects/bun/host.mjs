export default {
  name: 'Bun',
  programs: ['bun'],
  checks: {
    'a program, with fileStorage': async ({ journey }) =>
      (await journey()).inProcess(['run', 'device.js'], { program: 'bun' }),
  },
};
