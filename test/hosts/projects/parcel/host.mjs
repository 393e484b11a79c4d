export default {
  name: 'Parcel',
  packages: ['parcel'],
  isHeavy: true,
  size: 'dist/size.js',
  build: async ({ run }) => {
    for (const entry of ['src/index.html', 'src/shared/size.js'])
      await run(['node_modules/parcel/lib/bin.js', 'build', entry, '--no-source-maps', '--no-cache']);
  },
  checks: {
    'a page': async ({ serveFolder, journey }) => (await journey()).inPage(await serveFolder('dist')),
  },
};
