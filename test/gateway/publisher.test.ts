import * as jetstream from '@nats-io/jetstream';
import * as transport from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { Publisher } from '../../src/gateway/publisher.js';
import { describeOnNats, NatsCluster } from '../support/servers/nats-cluster.js';

const SHORT_MS = 300;
const USERS = `
accounts {
  A: {
    jetstream: enabled
    users: [{ user: "u", password: "p", permissions: { publish: { deny: ["denied.*"] } } }]
  }
}`;

describeOnNats('the publisher', () => {
  let cluster: NatsCluster;
  let connection: transport.NatsConnection;
  let publisher: Publisher;
  beforeAll(async () => {
    cluster = await NatsCluster.start({ nodes: 1, configuration: USERS });
  });
  afterAll(() => cluster?.close());
  beforeEach(async () => {
    connection = await transport.connect({ servers: cluster.servers, user: 'u', pass: 'p' });
    const manager = await jetstream.jetstreamManager(connection);
    await manager.streams.add({ name: 'S', subjects: ['s.*'], storage: 'memory' });
    await manager.streams.purge('S');
    publisher = new Publisher({ connection, transport, jetstream, timeout: 10_000 });
  });
  afterEach(() => connection.close());

  const publish = (subject: string, fields: Record<string, string> = {}) => {
    const message = transport.headers();
    for (const [name, value] of Object.entries(fields)) message.set(name, value);
    return publisher.publish(subject, new TextEncoder().encode(subject), message);
  };

  test('gives each of a thousand messages its own acknowledgement', async () => {
    const acks = await Promise.all(Array.from({ length: 1000 }, (_, number) => publish(`s.${number}`)));
    const manager = await jetstream.jetstreamManager(connection);
    for (const number of [0, 1, 500, 999]) {
      const stored = await manager.streams.getMessage('S', { seq: acks[number]?.seq ?? 0 });
      expect(stored?.subject).toBe(`s.${number}`);
    }
  });

  test('says that a message of a known id is a duplicate', async () => {
    const id = { 'Nats-Msg-Id': `id ${performance.now()}` };
    expect((await publish('s.1', id)).duplicate).toBe(false);
    expect((await publish('s.1', id)).duplicate).toBe(true);
  });

  test('rejects with the error of JetStream', async () => {
    const refused = publish('s.1', { 'Nats-Expected-Stream': 'OTHER' });
    await expect(refused).rejects.toMatchObject({ code: 10_060, message: 'expected stream does not match' });
  });

  test('rejects at once if no stream takes the subject', async () => {
    await expect(publish('nobody.here')).rejects.toMatchObject({ name: 'NoResponders' });
  });

  test('rejects at once if the user may not publish to the subject, and others go on', async () => {
    const [denied, allowed] = await Promise.allSettled([publish('denied.1'), publish('s.1')]);
    expect(denied).toMatchObject({ reason: { name: 'PermissionViolationError' } });
    expect(allowed).toMatchObject({ status: 'fulfilled' });
  });

  test('rejects messages that are not acknowledged, each after its own time', async () => {
    publisher = new Publisher({ connection, transport, jetstream, timeout: SHORT_MS });
    connection.subscribe('silent.*');
    const rejected = async (subject: string) => {
      const started = performance.now();
      const error = await publish(subject).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ name: 'TimeoutError' });
      return performance.now() - started;
    };
    const first = rejected('silent.1');
    await new Promise((resolve) => setTimeout(resolve, SHORT_MS / 2));
    const second = rejected('silent.2');
    for (const duration of await Promise.all([first, second])) expect(duration).toBeGreaterThanOrEqual(SHORT_MS - 1);
  });

  test('subscribes again after the servers ended the subscription for its acknowledgements', async () => {
    expect(await publish('s.1')).toMatchObject({ stream: 'S' });
    cluster.reload(USERS.replace('deny: ["denied.*"] }', 'deny: ["denied.*"] }, subscribe: { deny: ["_INBOX.>"] }'));
    publisher = new Publisher({ connection, transport, jetstream, timeout: SHORT_MS });
    await vi.waitFor(() => expect(publish('s.1')).rejects.toThrow(), { timeout: 20_000 });
    cluster.reload(USERS);
    await vi.waitFor(async () => expect(await publish('s.1')).toMatchObject({ stream: 'S' }), { timeout: 20_000 });
  });

  test('rejects a text that is no acknowledgement, and goes on', async () => {
    connection.subscribe('odd.*', { callback: (_error, message) => void message.respond('odd') });
    await expect(publish('odd.1')).rejects.toThrow(SyntaxError);
    await expect(publish('s.1')).resolves.toMatchObject({ stream: 'S' });
  });

  test('rejects messages under way when the connection is closed', async () => {
    connection.subscribe('silent.*');
    const waiting = publish('silent.1');
    const rejected = expect(waiting).rejects.toMatchObject({ name: 'RequestError' });
    await connection.close();
    await rejected;
  });

  test('rejects, rather than throws, once the connection is closed', async () => {
    await connection.close();
    await expect(publish('s.1')).rejects.toMatchObject({ name: 'ClosedConnectionError' });
  });
});
