export default {
  name: 'esbuild',
  packages: ['esbuild'],
  size: 'dist/size.js',
  build: ({ run }) => run(['build.js']),
  checks: {
    'a page': async ({ serveFolder, journey }) => await (await journey()).inPage(await serveFolder('dist')),
    'a program of Node in one CommonJS file, with fileStorage': async ({ journey }) =>
      await (await journey()).inProcess(['dist/device.cjs']),
  },
};
