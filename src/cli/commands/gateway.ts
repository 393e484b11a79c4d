import { show } from '../../core/model/input.js';
import type { Call } from '../command.js';
import { CommandException, EXIT, type ExitCode, usage } from '../exit.js';
import { init } from './gateway/init.js';
import { parked } from './gateway/parked.js';
import { quarantine } from './gateway/quarantine.js';
import { run as serve } from './gateway/run.js';
import { status } from './gateway/status.js';

interface Action {
  readonly act: (call: Call) => Promise<ExitCode>;
  /** Its own options by long name, besides those of NATS. Default: none. */
  readonly options?: readonly string[];
  /** Whether it has arguments. Default: `false`. */
  readonly hasArguments?: boolean;
}

const SIZES = ['replicas', 'partitions', 'maxBytes', 'maxMessages'];
const SERVING = ['partitions', 'port', 'host', 'upstream', 'metricsPort', 'tlsCert', 'tlsKey'];
const ACTIONS: Readonly<Record<string, Action>> = {
  init: { act: init, options: SIZES },
  run: { act: serve, options: [...SERVING, 'behindProxy', 'frontOnly', 'logLevel'] },
  status: { act: status },
  quarantine: { act: quarantine, options: ['yes'], hasArguments: true },
  parked: { act: parked, hasArguments: true },
};

export async function run(call: Call): Promise<ExitCode> {
  const [action = ''] = call.args;
  const found = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
  if (found === undefined) throw usage(`expected ${Object.keys(ACTIONS).join(', ')}`, SEE_HELP);
  checkArguments(action, found, call);
  try {
    return await found.act(call);
  } catch (error) {
    throw isGatewayException(error)
      ? new CommandException(inFlags(error.message), { exitCode: codeOf(error), advice: error.advice })
      : error;
  }
}

const SEE_HELP = 'See: nikdev-iot help gateway';
const COMMON = /^(?:json|insecureHttp|nats[A-Z]?\w*)$/;

/** An option or argument without effect may be meant for another action. @throws A usage exception. */
function checkArguments(
  name: string,
  { options = [], hasArguments = false }: Action,
  { args, options: given }: Call,
): void {
  const other = Object.keys(given).find((option) => !COMMON.test(option) && !options.includes(option));
  if (other !== undefined) throw usage(`gateway ${name} has no option --${dashed(other)}`, SEE_HELP);
  const [, extra] = args;
  if (extra !== undefined && !hasArguments)
    throw usage(`gateway ${name} takes no argument, got ${show(extra)}`, SEE_HELP);
}

/** Options of the library that have another name here. */
const FLAGS: Readonly<Record<string, string>> = { maxMessagesPerDevice: 'maxMessages' };

/** Names the option of the command in a message about one of the library. */
const inFlags = (message: string): string =>
  message.replace(/^(\w+)(?= must be )/, (name) => {
    const flag = FLAGS[name] ?? name;
    return [...SIZES, ...SERVING].includes(flag) ? `--${dashed(flag)}` : name;
  });

const dashed = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

interface GatewayException extends Error {
  readonly advice: string;
  readonly isTemporary: boolean;
}

/** Of another build of the package. */
const isGatewayException = (error: unknown): error is GatewayException =>
  (error as Error | null)?.name === 'GatewayException';

/** A cluster that is away may come back; all else needs another command line. */
const codeOf = ({ isTemporary }: GatewayException): ExitCode => (isTemporary ? EXIT.temporary : EXIT.usage);
