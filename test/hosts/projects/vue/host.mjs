const check =
  (page) =>
  async ({ serveFolder, journey }) => {
    await (await journey()).inPage(await serveFolder('dist'), { path: `/${page}.html`, clicks: ['Store'] });
  };

export default {
  name: 'Vite, Vue',
  packages: ['vite', 'vue', 'pinia'],
  build: ({ run }) => run(['node_modules/vite/bin/vite.js', 'build', '--logLevel', 'warn']),
  checks: {
    'a component with ref(api)': check('ref'),
    'a component with shallowRef(api)': check('shallow-ref'),
    'a store of Pinia': check('pinia'),
  },
};
