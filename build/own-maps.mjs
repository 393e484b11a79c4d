const FOREIGN = /\/node_modules\//;

/**
 * Leaves out the maps of chunks that hold a library alone: those are as readable as the library came, and their maps were a
 * third of the package.
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

/** Leaves out of the maps the text of valibot, which is one file of 200 kB, of which a twentieth is in use. */
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
