import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { type NodeProcess, runNode } from '../processes/node-process.js';
import { closedPort } from '../servers/raw-server.js';
import type { ChildSettings } from './gateway-child.js';

const SOURCE = fileURLToPath(new URL('gateway-child.ts', import.meta.url));
/** Beside the packages that the bundle imports. */
const FOLDER = fileURLToPath(new URL('../../../node_modules/.nikdev-iot/', import.meta.url));

let bundled: Promise<string> | undefined;

async function bundle(): Promise<string> {
  mkdirSync(FOLDER, { recursive: true });
  const file = `${FOLDER}gateway-child-${process.pid}.mjs`;
  const build = await rolldown({ input: SOURCE, platform: 'node', external: /^[^./]/, logLevel: 'silent' });
  await build.write({ file, format: 'esm' });
  await build.close();
  return file;
}

/** A gateway as a process, which can be killed and started again on its port. */
export class GatewayProcess {
  readonly url: string;
  readonly #settings: Omit<ChildSettings, 'killAt' | 'passage'>;
  #process: NodeProcess | undefined;

  private constructor(settings: ChildSettings) {
    this.#settings = settings;
    this.url = `http://127.0.0.1:${settings.port}/api/v1/`;
  }

  static async create(settings: Omit<ChildSettings, 'port'>): Promise<GatewayProcess> {
    return new GatewayProcess({ ...settings, port: await closedPort() });
  }

  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  /** Starts the process, and waits until it serves. @param kill - Where it kills itself. Default: nowhere. */
  async start(kill: Pick<ChildSettings, 'killAt' | 'passage'> = {}): Promise<void> {
    bundled ??= bundle();
    const child = runNode(await bundled, [JSON.stringify({ ...this.#settings, ...kill })]);
    this.#process = child;
    void child.ended.then(() => {
      if (this.#process === child) this.#process = undefined;
    });
    await new Promise<void>((resolve, reject) => {
      child.hear((line) => line === 'ready' && resolve());
      void child.ended.then(() => reject(new Error(`the gateway ended:\n${child.lines.join('\n')}`)));
    });
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#process;
    child?.kill(signal);
    await child?.ended;
  }

  /** Waits until it has killed itself. */
  async untilDead(): Promise<void> {
    await this.#process?.ended;
  }
}
