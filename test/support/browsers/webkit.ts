import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { type LanProxy, startLanProxy } from '../servers/lan.js';
import { closedPort } from '../servers/raw-server.js';
import type { Context, KnownBrowser, RunningBrowser, Tab } from './every-browser.js';
import { findProgram } from './find-program.js';
import { type Command, execute, newSession } from './webdriver.js';

const driver = findProgram(process.env['WEBKIT_DRIVER_PATH'], 'WebKitWebDriver');
const screen = findProgram('Xvfb');
const browser = findProgram(process.env['WEBKIT_PATH'], ...miniBrowsers());

/** WebKitGTK, by WebDriver, on a virtual screen. */
export const WEBKIT: KnownBrowser = {
  name: 'WebKitGTK',
  path: driver && screen && browser,
  howToGetIt:
    'install it, its driver and a screen (apt-get install webkit2gtk-driver xvfb), or set WEBKIT_PATH and WEBKIT_DRIVER_PATH to a MiniBrowser and a WebKitWebDriver that you have',
  cannot: {
    noticeThatItIsOffline: "WebDriver can't set it: it is cut off from its proxy, and reports online",
    keepPrivateFiles: 'the origin private file system is off, and refused in the private sessions of WebDriver',
  },
  async launch({ blocksSiteData = false }) {
    const [display, proxy] = await Promise.all([startScreen(), startLanProxy()]);
    // Not as a capability of the session: with that, one driver in seven never starts its browser.
    const args = ['--automation', `--proxy=http://${proxy.host}`];
    if (blocksSiteData) args.push('--enable-html5-local-storage=false');
    return {
      newContext: () => newContext(display.name, proxy, args),
      async close() {
        proxy.close();
        await end(display.process);
      },
    } satisfies RunningBrowser;
  },
};

/** A driver has one session at a time, which has a storage of its own. */
async function newContext(display: string, proxy: LanProxy, args: readonly string[]): Promise<Context> {
  const port = await closedPort();
  const process = start(driver, [`--port=${port}`, '--host=127.0.0.1'], {
    DISPLAY: display,
    WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
    LIBGL_ALWAYS_SOFTWARE: '1',
    // With the locale C its language is 'c', which Intl refuses.
    LANG: 'en_US.UTF-8',
    LC_ALL: '',
  });
  const session = await newSession(`http://127.0.0.1:${port}`, {
    'webkitgtk:browserOptions': { binary: browser, args },
  });
  const inWindow = oneAtATime(session);
  // It stays, as the browser ends with its last one.
  const first = (await session('GET', '/window')) as string;
  return {
    async newTab(url) {
      // A window: a tab that a driver opens is not shown.
      const opened = await inWindow(first, (send) => send('POST', '/window/new', { type: 'window' }));
      const { handle } = opened as { handle: string };
      const tab = tabOf((run) => inWindow(handle, run), proxy);
      await tab.goto(url);
      return tab;
    },
    async close() {
      proxy.setOffline(false);
      await session('DELETE', '').finally(() => end(process));
    },
  };
}

type InWindow = <Result>(run: (command: Command) => Promise<Result>) => Promise<Result>;

function tabOf(inWindow: InWindow, proxy: LanProxy): Tab {
  const command: Command = (...given) => inWindow((send) => send(...given));
  return {
    evaluate: (run: (argument: never) => unknown, argument?: unknown) =>
      inWindow((send) => execute(send, run, argument)),
    async goto(url) {
      await command('POST', '/url', { url });
    },
    async reload() {
      await command('POST', '/refresh');
    },
    async setHidden(isHidden) {
      await (isHidden ? command('POST', '/window/minimize') : command('POST', '/window/rect', { x: 0, y: 0 }));
    },
    async setOffline(isOffline) {
      proxy.setOffline(isOffline);
    },
    async close() {
      await command('DELETE', '/window');
    },
  };
}

/** A session has one current window, and takes one command at a time. */
function oneAtATime(session: Command) {
  let last: Promise<unknown> = Promise.resolve();
  return <Result>(handle: string, run: (command: Command) => Promise<Result>): Promise<Result> => {
    const result = last.then(async () => {
      await session('POST', '/window', { handle });
      return run(session);
    });
    last = result.catch(() => {});
    return result;
  };
}

async function startScreen(): Promise<{ name: string; process: ChildProcess }> {
  // Xvfb finds a free display number, and writes it to this descriptor.
  const process = start(screen, ['-displayfd', '3', '-screen', '0', '1280x800x24', '-nolisten', 'tcp']);
  const [number] = await once(process.stdio[3] as Readable, 'data');
  return { name: `:${String(number).trim()}`, process };
}

export function start(program: string | undefined, args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  if (program === undefined) throw new Error(WEBKIT.howToGetIt);
  const child = spawn(program, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    detached: true,
  });
  const kill = (): void => signalAll(child, 'SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  signalAll(child, 'SIGTERM');
  const kill = setTimeout(() => signalAll(child, 'SIGKILL'), 2000);
  await ended;
  clearTimeout(kill);
}

/** To a process and all that it started: its group. */
function signalAll({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid !== undefined) process.kill(-pid, signal);
}

/** Ends a process and all that it started, as `kill -9` does. */
export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  signalAll(child, 'SIGKILL');
  await ended;
}

/** The paths of the library's browser in Debian and its derivatives. */
function miniBrowsers(): string[] {
  return readFolder('/usr/lib').flatMap((folder) =>
    ['webkit2gtk-4.1', 'webkit2gtk-4.0'].map((library) => `/usr/lib/${folder}/${library}/MiniBrowser`),
  );
}

function readFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
