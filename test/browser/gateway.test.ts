import { onTestFinished, test } from 'vitest';
import { serveGateway } from '../../src/gateway.js';
import type { FetchLike } from '../../src/index.js';
import { describeInEveryBrowser } from '../support/browsers/every-browser.js';
import { doMainJob } from '../support/browsers/main-job.js';
import { servePages } from '../support/browsers/pages.js';
import { credentials } from '../support/builders/credentials.js';
import { oneDevice } from '../support/servers/emulator.js';
import { SECRET } from '../support/servers/gateways.js';
import { describeOnNats } from '../support/servers/nats-cluster.js';
import { useOneNode } from '../support/servers/one-node.js';

describeOnNats('behind a gateway', () => {
  const node = useOneNode();

  describeInEveryBrowser('the SDK', ({ newContext }) => {
    test.each([
      ['the UMD by script tag', ''],
      ['the ESM by import', 'esm'],
    ])('as %s stages, commits, pushes to another origin and reads back', async (_build, path) => {
      const emulator = oneDevice();
      const { url, close } = await serveGateway({
        nats: { servers: node.cluster.servers },
        secret: SECRET,
        fetch: emulator.fetch as FetchLike,
        port: 0,
        metricsPort: 0,
        logLevel: 'silent',
      });
      onTestFinished(close);
      const options = { ...credentials, baseUrl: `${url}api/v1/` };
      await doMainJob(await newContext(), (await servePages()) + path, options, emulator);
    });
  });
});
