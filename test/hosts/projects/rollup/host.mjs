export default {
  name: 'Rollup',
  packages: ['rollup', '@rollup/plugin-terser'],
  size: 'dist/size.js',
  build: ({ run }) => run(['build.js']),
  checks: {
    'a page, minified by terser': async ({ serveFolder, journey }) =>
      await (await journey()).inPage(await serveFolder('dist')),
  },
};
