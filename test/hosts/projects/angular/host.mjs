export default {
  name: 'Angular',
  packages: ['@angular/core', 'zone.js'],
  node: 'node-24',
  isHeavy: true,
  build: ({ run }) => run(['node_modules/@angular/cli/bin/ng.js', 'build']),
  checks: {
    'a component with signals; the app is stable while it pushes and watches': async ({ serveFolder, journey }) => {
      const page = await (await journey()).inPage(await serveFolder('dist/browser'), { clicks: ['Store'] });
      await page.shows('the app is stable');
    },
  },
};
