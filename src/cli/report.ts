import { isApiException } from '../core/model/exceptions.js';
import { codeWord, maskIds } from '../core/model/foreign-text.js';
import type { Call } from './command.js';
import { EXIT, type ExitCode, isCommandException } from './exit.js';
import { inShellWords } from './shell-words.js';

/** A failure as programs and people see it. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  readonly advice: string;
  readonly status?: number | undefined;
}

/** Shows a failure: on standard error for people; with `--json` on standard output, too. @returns The exit code. */
export function report(error: unknown, { isJson, out, err }: Pick<Call, 'isJson' | 'out' | 'err'>): ExitCode {
  const failure = failureOf(error);
  if (isJson) out.json({ error: failure });
  err.line(`nikdev-iot: ${failure.message}`, 'bad');
  if (failure.advice !== '') err.line(failure.advice);
  return exitCodeOf(error);
}

/** The failure in words, without API keys. */
export function failureOf(error: unknown): Failure {
  const { name = 'Error', message = String(error) } = (error ?? {}) as Partial<Error>;
  const { advice = adviceFor(error), status } = (error ?? {}) as { advice?: string; status?: number };
  // Texts of the command itself are for a shell.
  const [shown, masked] = isCommandException(error)
    ? [String, error.isPlain ? String : maskIds]
    : [inShellWords, maskIds];
  return { name, message: masked(shown(message)), advice: shown(advice), ...(status !== undefined && { status }) };
}

/** Only system errors of files reach this point. */
const adviceFor = (error: unknown): string =>
  codeWord(error) === undefined ? '' : 'Check the owner and the permissions of the folder, or set NIKDEV_DIR.';

/** The first words of the message of a failure that is worth another try. */
const TRANSIENT = 'Bad luck: ';

export const isTransient = ({ message }: Error): boolean => message.startsWith(TRANSIENT);

export function exitCodeOf(error: unknown): ExitCode {
  if (isCommandException(error)) return error.exitCode;
  if (!isApiException(error)) return codeWord(error) === undefined ? EXIT.refused : EXIT.temporary;
  if (error.name === 'ConfigException' || error.name === 'ValueException') return EXIT.usage;
  if (error.name === 'StorageException') return EXIT.temporary;
  return isTransient(error) ? EXIT.temporary : EXIT.refused;
}
