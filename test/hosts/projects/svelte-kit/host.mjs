export default {
  name: 'SvelteKit',
  packages: ['@sveltejs/kit', 'svelte', 'vite'],
  node: 'node-24',
  build: ({ run }) => run(['node_modules/vite/bin/vite.js', 'build', '--logLevel', 'warn']),
  checks: {
    'a page that was rendered on the server': async ({ serve, journey }) => {
      const reading = await journey();
      const origin = await serve(['serve.js'], { env: reading.env });
      await reading.inPage(origin, { clicks: ['Store'], isRendered: true });
    },
    'an endpoint on the server': async ({ serve, journey }) => {
      const reading = await journey();
      const origin = await serve(['serve.js'], { env: reading.env });
      const response = await fetch(`${origin}/readings`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
      });
      reading.arrives(await response.text());
    },
  },
};
