import * as nodeFs from 'node:fs';
import { Api } from 'nikdev-iot';
import { fileStorage } from 'nikdev-iot/node';

/*
 * Commits and pushes as fast as it can until it is killed, and prints its progress:
 *
 *   begin <phase>, end <phase>     committing, compacting, adopting or pushing; they nest
 *   committed <name>-<number>      a commit that returned
 *   waits                          for the signal, see below
 *   looked                         the folder was searched for orphans
 *
 * In the phase that is `slow` it waits once, before or after one of the calls of the file system that make it up, drawn
 * anew each time: so a signal is as likely to land late in it as early.
 */
const { name, folder, options, durability, slow, speed } = JSON.parse(process.argv[2]);
const MOST_QUEUED = 100;
const PADDING = 'x'.repeat(400);

/** Not buffered: a line that was written is read, whatever happens to its writer. */
const say = (text) => nodeFs.writeSync(1, `${text}\n`);

/** Before and after how many calls it can wait in each. */
const GAPS = { committing: 4, compacting: 14, adopting: 14, pushing: 3 };
const phases = [];
let gap = 0;
function begin(phase) {
  phases.push(phase);
  if (phase === slow) gap = Math.floor(Math.random() * GAPS[slow]);
  say(`begin ${phase}`);
}
function end(phase, alsoSay = '') {
  phases.splice(phases.lastIndexOf(phase), 1);
  say(`end ${phase}${alsoSay}`);
}

/** In milliseconds: long enough for a busy machine to kill the process meanwhile; phases that come often have many tries. */
const WAIT = { committing: 20, compacting: 300, adopting: 300, pushing: 20 };
const sleeper = new Int32Array(new SharedArrayBuffer(4));
function passGap() {
  if (phases.length === 0 || phases.at(-1) !== slow) return;
  if (gap === 0) {
    say('waits');
    Atomics.wait(sleeper, 0, 0, WAIT[slow]);
  }
  gap -= 1;
}

const { O_CREAT, O_RDONLY, O_RDWR } = nodeFs.constants;
const fs = { ...nodeFs };
for (const [call, real] of Object.entries(nodeFs)) {
  if (!call.endsWith('Sync')) continue;
  fs[call] = (...args) => {
    const path = String(args[0]);
    if (call === 'readdirSync') say('looked');
    const isOpened = (kind, mask, flags) => call === 'openSync' && path.endsWith(kind) && (args[1] & mask) === flags;
    if (isOpened('.tmp', O_CREAT, O_CREAT)) begin('compacting');
    if (isOpened('.journal', O_RDWR, O_RDONLY) && !phases.includes('adopting')) {
      begin('adopting');
      // Adopting is one task without a pause: this runs right after it.
      queueMicrotask(() => end('adopting'));
    }
    passGap();
    const result = real(...args);
    passGap();
    if (call === 'renameSync' && path.endsWith('.tmp')) end('compacting');
    return result;
  };
}

function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code !== 'ESRCH';
  }
}

const REQUEST_SECONDS = 600;

const clock = {
  now: () => Date.now(),
  monotonic: () => performance.now() * speed,
  random: () => Math.random(),
  setTimer(run, milliseconds, { isBackground = false } = {}) {
    // The deadline of a request is not hurried: a process that was stopped for seconds would send again what was answered.
    const timer = setTimeout(run, milliseconds === REQUEST_SECONDS * 1000 ? milliseconds : milliseconds / speed);
    if (isBackground) timer.unref();
    return () => clearTimeout(timer);
  },
};

const api = new Api(
  {
    ...options,
    storage: fileStorage(folder, { durability }, { fs, pid: process.pid, uid: process.geteuid?.(), isRunning }),
    requestTimeout: REQUEST_SECONDS,
    fetch(input, init) {
      const request = new Request(input, init);
      request.headers.set('x-sender', name);
      return fetch(request);
    },
  },
  { clock },
);

let count = 0;
async function commit() {
  const id = `${name}-${count}`;
  api.addValue('reading', `${id} ${PADDING}`);
  // In one of ten rounds staged values are saved separately before the commit.
  if (Math.random() < 0.1) await undefined;
  begin('committing');
  api.commit();
  count += 1;
  end('committing', `\ncommitted ${id}`);
}
async function commitForEver() {
  for (;;) {
    for (let more = Math.random() * 20; more > 0 && api.status().committed < MOST_QUEUED; more--) await commit();
    await new Promise(setImmediate);
  }
}
async function pushForEver() {
  for (;;) {
    begin('pushing');
    await api.push();
    end('pushing');
    await new Promise(setImmediate);
  }
}

// Before orphans are adopted.
await commit();
await api.ready;
say('ready');
commitForEver();
pushForEver();
