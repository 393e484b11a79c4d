const jest = (environment, ...files) => [
  'node_modules/jest/bin/jest.js',
  '--env',
  environment,
  '--runInBand',
  ...files,
];

export default {
  name: 'Jest',
  packages: ['jest', 'jest-environment-jsdom'],
  checks: {
    'the environment node, and fake timers': async ({ journey }) => (await journey()).inProcess(jest('node')),
    'the environment jsdom with the fetch of Node': async ({ journey }) =>
      (await journey()).inProcess(jest('./jsdom-with-fetch.cjs')),
    'the environment jsdom, with an emulator in the test': async ({ run, usesOwnEmulator }) => {
      usesOwnEmulator();
      await run(jest('jsdom', 'emulator', 'fake-timers'));
    },
  },
};
