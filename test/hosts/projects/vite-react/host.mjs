const CLICKS = ['Store'];

export default {
  name: 'Vite, React',
  packages: ['vite', 'react'],
  size: 'dist/size/size.js',
  build: ({ run }) => run(['node_modules/vite/bin/vite.js', 'build', '--config', 'vite.size.config.js']),
  checks: {
    'a page in StrictMode, in the build for development': async ({ run, serveFolder, journey }) => {
      const development = { env: { NODE_ENV: 'development' } };
      const build = ['node_modules/vite/bin/vite.js', 'build', '--mode', 'development', '--outDir', 'dist/development'];
      await run(build, development);
      await (await journey()).inPage(await serveFolder('dist/development'), { clicks: CLICKS });
    },
    'a page that was rendered on the server: hydrated without an error': async ({ run, serve, journey }) => {
      const vite = 'node_modules/vite/bin/vite.js';
      await run([vite, 'build', '--outDir', 'dist/client']);
      await run([vite, 'build', '--ssr', 'src/entry-server.jsx', '--outDir', 'dist/server']);
      const reading = await journey();
      const origin = await serve(['server.js'], { env: reading.env });
      await reading.inPage(origin, { clicks: CLICKS, isRendered: true });
    },
  },
};
