export default {
  name: 'Rspack',
  packages: ['@rspack/core'],
  build: ({ run }) => run(['build.js']),
  checks: {
    'a page': async ({ serveFolder, journey }) => await (await journey()).inPage(await serveFolder('dist')),
  },
};
