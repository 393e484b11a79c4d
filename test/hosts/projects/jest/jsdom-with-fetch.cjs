const { TestEnvironment } = require('jest-environment-jsdom');

/** Jest's jsdom has no `fetch`: this environment has Node's, for tests that use a real server. */
module.exports = class extends TestEnvironment {
  async setup() {
    await super.setup();
    Object.assign(this.global, { fetch, Request, Response, Headers, TextDecoder, TextEncoder });
  }
};
