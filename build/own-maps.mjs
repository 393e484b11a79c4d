const FOREIGN = /\/node_modules\//;

/**
 * Removes the source maps of chunks that hold only a library: these maps were a third of the package.
 */
export const ownMaps = () => ({
  name: 'own-maps',
  generateBundle(_options, bundle) {
    for (const chunk of Object.values(bundle)) {
      if (!chunk.map?.sources.every((source) => FOREIGN.test(source))) continue;
      delete bundle[chunk.sourcemapFileName];
      chunk.code = chunk.code.replace(/\/\/# sourceMappingURL=.*\n$/, '');
    }
  },
});

/** Removes the source of valibot from the maps: a file of 200 kB, of which a twentieth is in use. */
export const withoutValibot = () => ({
  name: 'without-valibot',
  generateBundle(_options, bundle) {
    for (const asset of Object.values(bundle)) {
      if (!asset.fileName.endsWith('.map')) continue;
      const map = JSON.parse(asset.source);
      const isLeftOut = (index) => map.sources[index].includes('/node_modules/valibot/');
      map.sourcesContent = map.sourcesContent.map((text, index) => (isLeftOut(index) ? null : text));
      asset.source = JSON.stringify(map);
    }
  },
});
