module.exports = { turbopack: { root: __dirname }, outputFileTracingRoot: __dirname };
