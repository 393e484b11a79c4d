import type { Call } from '../command.js';
import { CommandException, EXIT, type ExitCode, usage } from '../exit.js';
import { init } from './gateway/init.js';
import { parked } from './gateway/parked.js';
import { quarantine } from './gateway/quarantine.js';
import { run as serve } from './gateway/run.js';
import { status } from './gateway/status.js';

type Action = (call: Call) => Promise<ExitCode>;

const ACTIONS: Readonly<Record<string, Action>> = { init, run: serve, status, quarantine, parked };

export async function run(call: Call): Promise<ExitCode> {
  const [action = ''] = call.args;
  const act = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
  if (act === undefined) throw usage(`expected ${Object.keys(ACTIONS).join(', ')}`, 'See: nikdev-iot help gateway');
  try {
    return await act(call);
  } catch (error) {
    throw isGatewayException(error)
      ? new CommandException(error.message, { exitCode: codeOf(error), advice: error.advice })
      : error;
  }
}

interface GatewayException extends Error {
  readonly advice: string;
  readonly isTemporary: boolean;
}

/** Of another build of the package. */
const isGatewayException = (error: unknown): error is GatewayException =>
  (error as Error | null)?.name === 'GatewayException';

/** A cluster that is away may come back; all else needs another command line. */
const codeOf = ({ isTemporary }: GatewayException): ExitCode => (isTemporary ? EXIT.temporary : EXIT.usage);
