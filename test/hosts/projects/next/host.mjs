const NEXT = 'node_modules/next/dist/bin/next';
const START = [NEXT, 'start', '--hostname', '127.0.0.1', '--port', '0'];

const route =
  (path) =>
  async ({ serve, journey }) => {
    const reading = await journey();
    const origin = await serve(START, { env: reading.env });
    const response = await fetch(`${origin}${path}`, { method: 'POST' });
    reading.arrives(await response.text());
  };

export default {
  name: 'Next',
  packages: ['next', 'react'],
  isHeavy: true,
  build: ({ run }) => run([NEXT, 'build']),
  checks: {
    'a client component: rendered by the build, hydrated without an error': async ({ serve, journey }) => {
      const reading = await journey();
      await reading.inPage(await serve(START), { clicks: ['Store'], isRendered: true });
    },
    'a route handler': route('/readings'),
    'a route handler in the Edge runtime': route('/edge'),
  },
};
