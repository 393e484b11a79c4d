const { copyFile, mkdir } = require('node:fs/promises');
const { getDefaultConfig, mergeConfig } = require('@react-native/metro-config');
const Metro = require('metro');

const NO_NATIVE_MODULES = { type: 'sourceFile', filePath: `${__dirname}/src/no-native-modules.js` };

async function build() {
  const config = mergeConfig(getDefaultConfig(__dirname), {
    resolver: {
      resolveRequest: (context, name, platform) =>
        name.endsWith('/TurboModuleRegistry') ? NO_NATIVE_MODULES : context.resolveRequest(context, name, platform),
    },
    // Without InitializeCore, which needs a device.
    serializer: { getModulesRunBeforeMainModule: () => [] },
    maxWorkers: 2,
    reporter: { update() {} },
  });
  await mkdir('dist', { recursive: true });
  await Metro.runBuild(await Metro.loadConfig({ cwd: __dirname }, config), {
    entry: 'src/index.js',
    out: 'dist/app.js',
    platform: 'android',
    dev: false,
    minify: true,
  });
  for (const name of ['index.html', 'engine.js']) await copyFile(`src/${name}`, `dist/${name}`);
}

build().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
