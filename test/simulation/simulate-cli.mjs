// npm run simulate -- --runs 50000 --seed 7 [--path 12:0:1 | --schedule '{…}']
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    runs: { type: 'string' },
    seed: { type: 'string' },
    path: { type: 'string' },
    schedule: { type: 'string' },
  },
});
const env = { ...process.env };
for (const [name, value] of Object.entries(values)) env[`SIM_${name.toUpperCase()}`] = value;
const files = ['test/simulation/simulation-1.test.ts', 'test/simulation/simulation-2.test.ts'];
const args = ['vitest', 'run', ...files, '--project', 'node', '--disable-console-intercept', '--maxWorkers=2'];
const { status } = spawnSync('npx', args, { env, stdio: 'inherit' });
process.exitCode = status === 0 ? 0 : 1;
