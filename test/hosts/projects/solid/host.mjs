export default {
  name: 'Vite, Solid',
  packages: ['vite', 'solid-js'],
  build: ({ run }) => run(['node_modules/vite/bin/vite.js', 'build', '--logLevel', 'warn']),
  checks: {
    'a component with signals': async ({ serveFolder, journey }) => {
      await (await journey()).inPage(await serveFolder('dist'), { clicks: ['Store'] });
    },
  },
};
