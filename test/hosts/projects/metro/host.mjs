export default {
  name: 'React Native, Metro',
  packages: ['metro', 'react-native'],
  node: 'node-24',
  isHeavy: true,
  build: ({ run }) => run(['build.js']),
  checks: {
    "an app with mmkvStorage and reactNativeEnvironment, on React Native's fetch, URL and AbortController in place of the page's":
      async ({ serveFolder, journey }) => (await journey()).inPage(await serveFolder('dist')),
  },
};
