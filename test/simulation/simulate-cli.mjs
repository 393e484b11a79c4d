import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const USAGE = "usage: npm run simulate -- [--runs 50000] [--seed 7] [--path 12:0:1 | --schedule '{…}']";

/** The permitted values of each option. */
const RULES = {
  runs: /^[1-9]\d*$/,
  seed: /^-?\d+$/,
  path: /^\d+(:\d+)*$/,
  schedule: /^\s*\{/,
};
const OPTIONS = {
  ...Object.fromEntries(Object.keys(RULES).map((name) => [name, { type: 'string' }])),
  help: { type: 'boolean', short: 'h' },
};

process.exitCode = run(process.argv.slice(2));

function run(args) {
  try {
    const { help, ...values } = parseArgs({ args: withNegatives(args), options: OPTIONS }).values;
    if (help) console.log(USAGE);
    else return simulate(values);
    return 0;
  } catch (error) {
    console.error(`${error.message}\n${USAGE}`);
    return 2;
  }
}

/** A number that begins with a minus is the value of the option before it. */
function withNegatives(args) {
  return args.flatMap((arg, index) => {
    if (/^-\d/.test(arg) && index > 0) return [];
    return /^-\d/.test(args[index + 1] ?? '') ? `${arg}=${args[index + 1]}` : arg;
  });
}

function simulate(values) {
  const env = { ...process.env };
  for (const [name, value] of Object.entries(values)) {
    if (!RULES[name].test(value)) throw new Error(`--${name} can't be ${value}`);
    env[`SIM_${name.toUpperCase()}`] = value;
  }
  const files = ['test/simulation/simulation-1.test.ts', 'test/simulation/simulation-2.test.ts'];
  const args = ['vitest', 'run', ...files, '--disable-console-intercept', '--maxWorkers=2'];
  return spawnSync('npx', args, { env, stdio: 'inherit' }).status === 0 ? 0 : 1;
}
