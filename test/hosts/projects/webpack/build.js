const webpack = require('webpack');

const config = {
  mode: 'production',
  entry: { page: './src/shared/page.js', size: './src/shared/size.js' },
  target: ['web', 'es2022'],
  devtool: false,
  experiments: { outputModule: true },
  output: { module: true, library: { type: 'module' }, filename: '[name].js' },
  performance: false,
};
webpack(config, (error, stats) => {
  if (error) throw error;
  if (stats.hasErrors() || stats.hasWarnings()) throw new Error(stats.toString());
});
