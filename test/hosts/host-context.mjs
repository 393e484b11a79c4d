import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { withoutNpm } from './install.mjs';
import { nodeFolder, programPath } from './programs.mjs';
import { serveEmulator, serveFolder } from './servers.mjs';

const NOTHING_ARRIVED = 'no reading went the whole way';
const QUIET = { CI: 'true', NO_COLOR: '1', DO_NOT_TRACK: '1', NEXT_TELEMETRY_DISABLED: '1', NG_CLI_ANALYTICS: 'false' };

/**
 * The means of one check: commands in the folder of the project, pages in the browser, and a reading whose whole way is
 * followed. `end` ends all that was started.
 */
export function hostContext({ host, folder, runtimes, browser }) {
  const ends = [];
  const journeys = [];
  const servers = [];
  let isFollowed = false;
  const environment = (more) => ({
    ...withoutNpm(),
    ...QUIET,
    PATH: `${nodeFolder(host, runtimes)}${delimiter}${process.env.PATH}`,
    ...more,
  });
  const start = (args, { env = {}, program = host.node ?? 'node' } = {}) =>
    startProgram(programPath(program, runtimes), args, { cwd: folder, env: environment(env) });

  const context = {
    folder,
    runtimes,
    /** Runs a program, by default the host's Node. @returns Its output. @throws If it fails. */
    run(args, options) {
      const program = start(args, options);
      ends.push(program.end);
      return program.ended();
    },
    /** Starts a server of the project. @returns Its origin, once it has printed it. */
    async serve(args, options) {
      const program = start(args, options);
      ends.push(program.end);
      servers.push(program);
      return program.origin();
    },
    /** Serves a folder of the project. @returns Its origin. */
    async serveFolder(path) {
      const { origin, close } = await serveFolder(join(folder, path));
      ends.push(close);
      return origin;
    },
    /** Begins the journey of one reading: to a real emulator, and back. */
    async journey() {
      const emulator = await serveEmulator();
      const value = Math.round(Math.random() * 1e6) / 100;
      const journey = journeyOf(value, emulator, { context, browser, ends });
      ends.push(emulator.close);
      journeys.push(journey);
      isFollowed = true;
      return journey;
    },
    /** @returns The complaint about a check that followed no reading to its end. */
    unfinished: () => (isFollowed && journeys.every(({ hasArrived }) => hasArrived()) ? undefined : NOTHING_ARRIVED),
    /** For a check whose tests have an emulator of their own in their process. */
    usesOwnEmulator() {
      isFollowed = true;
    },
    /** For a check that compiles a program which only a device can run. */
    compilesOnly() {
      isFollowed = true;
    },
    /** The output of the project's servers. */
    printed: () => servers.map(({ printed }) => printed()).join('\n'),
    async end() {
      for (const end of ends.reverse()) await end();
    },
  };
  return context;
}

function journeyOf(value, emulator, { context, browser, ends }) {
  const settings = { SERVER: emulator.baseUrl, VALUE: String(value) };
  const back = `read back ${value}`;
  let isRead = false;
  return {
    env: settings,
    /** The query with which a page is opened. */
    query: `?${new URLSearchParams(settings)}`,
    port: emulator.port,
    hasArrived: () => isRead,
    /** Runs a program that stores the value, reads it and prints it. */
    async inProcess(args, { env, ...options } = {}) {
      this.arrives(await context.run(args, { ...options, env: { ...settings, ...env } }));
    },
    /**
     * Opens a page that stores the value, reads it and shows it.
     *
     * @param clicks - The buttons that make it do so.
     * @param isRendered - Whether a server has rendered it: its buttons have an effect once it watches its field.
     */
    async inPage(origin, { path = '/', clicks = [], isRendered = false } = {}) {
      const page = await browser.openPage(`${origin}${path}${this.query}`);
      ends.push(page.close);
      if (isRendered) await emulator.isAsked;
      for (const name of clicks) await page.click(name);
      await page.shows(back);
      this.arrives(back);
      return page;
    },
    /** @param said - The output of a program. @throws Unless it has read the value, which the server has stored. */
    arrives(said) {
      if (!said.includes(back)) throw new Error(`it did not print "${back}":\n${said}`);
      emulator.check(value);
      isRead = true;
    },
  };
}

function startProgram(path, args, options) {
  const child = spawn(path, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let said = '';
  const listeners = new Set();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      said += text;
      for (const listener of listeners) listener();
    });
  }
  const exit = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(signal ?? code));
  });
  // With all that it started: those of its process group.
  const kill = () => {
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  };
  const command = args.join(' ');
  return {
    printed: () => said,
    async ended() {
      const code = await exit;
      kill();
      if (code !== 0) throw new Error(`${command} ended with ${code}:\n${said}`);
      return said;
    },
    async end() {
      kill();
      await exit;
    },
    origin: () =>
      new Promise((resolve, reject) => {
        const look = () => {
          const [, port] = /http:\/\/(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\]):(\d+)/.exec(said) ?? [];
          if (port !== undefined) resolve(`http://127.0.0.1:${port}`);
        };
        listeners.add(look);
        look();
        void exit.then((code) => reject(new Error(`${command} ended with ${code}:\n${said}`)));
      }),
  };
}
