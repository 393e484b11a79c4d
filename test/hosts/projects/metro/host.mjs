const HERMESC = 'node_modules/hermes-compiler/hermesc/linux64-bin/hermesc';

export default {
  name: 'React Native, Metro',
  packages: ['metro', 'react-native'],
  node: 'node-24',
  isHeavy: true,
  build: ({ run }) => run(['build.js']),
  checks: {
    "an app with mmkvStorage and reactNativeEnvironment, on React Native's fetch, URL and AbortController in place of the page's":
      async ({ serveFolder, journey }) => (await journey()).inPage(await serveFolder('dist')),
    'its bundle, compiled to bytecode by the compiler of Hermes': async ({ run, compilesOnly }) => {
      // Without warnings, which name each global.
      await run(['-w', '-O', '-emit-binary', '-out', 'dist/app.hbc', 'dist/app.js'], { program: HERMESC });
      compilesOnly();
    },
  },
};
