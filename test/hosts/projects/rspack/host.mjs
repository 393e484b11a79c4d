export default {
  name: 'Rspack',
  packages: ['@rspack/core'],
  size: 'dist/size.js',
  build: ({ run }) => run(['build.js']),
  checks: {
    'a page': async ({ serveFolder, journey }) => await (await journey()).inPage(await serveFolder('dist')),
  },
};
