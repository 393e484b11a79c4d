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
