import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, vi } from 'vitest';
import { findProgram } from '../browsers/find-program.js';
import { closedPort } from './raw-server.js';

const NATS_SERVER = findProgram(process.env['NATS_SERVER'], 'nats-server', '/usr/sbin/nats-server');

/** Describes tests with real NATS servers; skipped, with a line that says so, where `nats-server` is not installed. */
export function describeOnNats(name: string, define: () => void): void {
  if (NATS_SERVER === undefined) console.warn(`"${name}" is skipped, as nats-server is not installed`);
  // Elections take seconds, and on a busy machine many.
  describe.skipIf(NATS_SERVER === undefined)(name, { timeout: 120_000 }, define);
}

export interface ClusterOptions {
  /** Default: 3. */
  readonly nodes?: number;
  /** More lines of each node's configuration. Default: none. */
  readonly configuration?: string;
}

interface Node {
  readonly name: string;
  readonly folder: string;
  readonly port: number;
  readonly clusterPort: number;
  readonly monitorPort: number;
  process: ChildProcess | undefined;
  /** Whether it is to run. */
  isWanted: boolean;
}

/** Real `nats-server` processes with JetStream, on loopback. Nodes are numbered from 0. */
export class NatsCluster {
  readonly #nodes: readonly Node[];
  readonly #folder: string;
  #configuration: string;

  private constructor(folder: string, nodes: readonly Node[], configuration: string) {
    this.#folder = folder;
    this.#nodes = nodes;
    this.#configuration = configuration;
  }

  /** Starts a cluster, and waits until it has a leader. The caller closes it. */
  static async start({ nodes = 3, configuration = '' }: ClusterOptions = {}): Promise<NatsCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'nikdev-iot-nats-'));
    const made: Node[] = [];
    for (let number = 0; number < nodes; number++) made.push(await makeNode(folder, `n${number}`));
    const cluster = new NatsCluster(folder, made, configuration);
    for (const number of made.keys()) cluster.startNode(number);
    await cluster.untilHealthy();
    return cluster;
  }

  /** The URL of each node. */
  get servers(): string[] {
    return this.#nodes.map(({ port }) => `nats://127.0.0.1:${port}`);
  }

  /** The numbers of the nodes that run. */
  get running(): number[] {
    return [...this.#nodes.keys()].filter((number) => this.#node(number).process !== undefined);
  }

  /** @returns The number of a node by its name, as JetStream reports leaders: `n0`. */
  numberOf(name: string | undefined): number {
    return this.#nodes.findIndex((node) => node.name === name);
  }

  /** Starts a node that does not run. */
  startNode(number: number): void {
    const node = this.#node(number);
    node.isWanted = true;
    const started = spawn(NATS_SERVER ?? '', ['-c', this.#configure(node)], { stdio: 'ignore' });
    node.process = started;
    started.once('exit', () => {
      if (node.process === started) node.process = undefined;
    });
  }

  /** Ends a node with a signal, and waits for its end. Default: `SIGKILL`. */
  async kill(number: number, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const node = this.#node(number);
    node.isWanted = false;
    const { process } = node;
    if (!process) return;
    const ended = once(process, 'exit');
    process.kill(signal);
    await ended;
  }

  /** Replaces {@link ClusterOptions.configuration}, and has the nodes that run read it (`SIGHUP`). */
  reload(configuration: string): void {
    this.#configuration = configuration;
    for (const node of this.#nodes) {
      this.#configure(node);
      node.process?.kill('SIGHUP');
    }
  }

  /** Freezes a node (`SIGSTOP`). */
  freeze(number: number): void {
    this.#node(number).process?.kill('SIGSTOP');
  }

  /** Wakes a frozen node (`SIGCONT`). */
  wake(number: number): void {
    this.#node(number).process?.kill('SIGCONT');
  }

  /** Deletes the store of a node that does not run. */
  wipe(number: number): void {
    rmSync(join(this.#node(number).folder, 'store'), { recursive: true, force: true });
  }

  /** Waits until all nodes that are to run are up to date with a leader. */
  async untilHealthy(): Promise<void> {
    for (const [number, node] of this.#nodes.entries()) {
      if (!node.isWanted) continue;
      const { monitorPort, folder } = node;
      const check = (): Promise<void> => {
        // It ended as a connection of another process had one of its ports for a while.
        if (node.process === undefined) this.startNode(number);
        return checkHealth(monitorPort);
      };
      await vi.waitFor(check, { timeout: 100_000, interval: 50 }).catch((error: Error) => {
        throw new Error(`${error.message}\n${readFileSync(join(folder, 'log'), 'utf8').slice(-2000)}`);
      });
    }
  }

  /** The bytes of all files of all nodes: streams, buckets, logs. */
  *files(): Generator<{ readonly path: string; readonly bytes: Buffer }> {
    for (const item of readdirSync(this.#folder, { recursive: true, withFileTypes: true })) {
      const path = join(item.parentPath, item.name);
      if (item.isFile() && item.name !== 'nats.conf') yield { path, bytes: readFileSync(path) };
    }
  }

  /** Ends all nodes, frozen ones too, and deletes their files. */
  async close(): Promise<void> {
    await Promise.all(this.#nodes.map((_, number) => this.kill(number)));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #node(number: number): Node {
    const node = this.#nodes[number];
    if (!node) throw new RangeError(`there is no node ${number}`);
    return node;
  }

  /** Writes the file of the configuration. @returns Its path. */
  #configure(node: Node): string {
    const file = join(node.folder, 'nats.conf');
    writeFileSync(file, this.#configurationOf(node));
    return file;
  }

  #configurationOf({ name, folder, port, clusterPort, monitorPort }: Node): string {
    const routes = this.#nodes.map((node) => `nats://127.0.0.1:${node.clusterPort}`).join(', ');
    const cluster = `cluster { name: test, listen: "127.0.0.1:${clusterPort}", routes: [${routes}] }`;
    return `
server_name: ${name}
listen: "127.0.0.1:${port}"
http: "127.0.0.1:${monitorPort}"
log_file: ${JSON.stringify(join(folder, 'log'))}
jetstream { store_dir: ${JSON.stringify(join(folder, 'store'))}, max_mem: 64M, max_file: 2G }
${this.#nodes.length > 1 ? cluster : ''}
${this.#configuration}
`;
  }
}

async function makeNode(parent: string, name: string): Promise<Node> {
  const folder = join(parent, name);
  mkdirSync(folder);
  const [port, clusterPort, monitorPort] = [await closedPort(), await closedPort(), await closedPort()];
  return { name, folder, port, clusterPort, monitorPort, process: undefined, isWanted: false };
}

async function checkHealth(monitorPort: number): Promise<void> {
  const { status } = await fetch(`http://127.0.0.1:${monitorPort}/healthz`, { signal: AbortSignal.timeout(2000) });
  if (status !== 200) throw new Error(`/healthz answers ${status}`);
}
