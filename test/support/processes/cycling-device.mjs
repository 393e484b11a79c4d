import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Api, memoryStorage } from 'nikdev-iot';
import { fileStorage } from 'nikdev-iot/node';

/*
 * Commits and pushes `cycles` times, one entry a time, and prints its resource usage `samples` times, as JSON:
 *
 *   { cycles, heap, descriptors, timers, bytes, files }
 *
 * `beside` is another Api of the same storage, which has an entry queued that it never pushes.
 */
const { storage, beside, cycles, samples } = JSON.parse(process.argv[2]);

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

const folder = storage === 'file' ? mkdtempSync(join(tmpdir(), 'nikdev-iot-cycles-')) : undefined;
const adapter = folder ? fileStorage(folder, { durability: 'process' }) : memoryStorage();

let timers = 0;
const clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: () => Math.random(),
  setTimer(run, milliseconds, { isBackground = false } = {}) {
    timers += 1;
    const end = () => {
      timers -= 1;
      clearTimeout(timer);
      end.isOver = true;
    };
    const timer = setTimeout(() => {
      end();
      run();
    }, milliseconds);
    if (isBackground) timer.unref();
    return () => void (end.isOver || end());
  },
};

const stored = { received: true, status: 201, body: '{"data":{}}', contentType: 'application/json' };
const transport = { send: () => ({ answer: Promise.resolve(stored), abort() {} }) };

const options = {
  deviceId: '11111111-1111-4111-8111-111111111111',
  apiKey: '22222222-2222-4222-8222-222222222222',
  storage: adapter,
};
const api = new Api(options, { clock, transport });
await api.ready;
if (beside) {
  const other = new Api(options, { clock, transport });
  other.addValue('temperature', 0);
  other.commit();
}

function sample(cycle) {
  collect();
  const files = folder ? readdirSync(folder) : [];
  const figures = {
    cycles: cycle,
    heap: process.memoryUsage().heapUsed,
    // Only on Linux.
    descriptors: existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0,
    timers,
    bytes: files.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0),
    files: files.length,
  };
  console.log(JSON.stringify(figures));
}

for (let cycle = 1; cycle <= cycles; cycle++) {
  api.addValue('temperature', cycle);
  api.commit();
  await api.push();
  if (cycle % (cycles / samples) === 0) sample(cycle);
}
if (folder) rmSync(folder, { recursive: true, force: true });
process.exit();
