import type { CallEnvironment, Settings } from './config/settings.js';
import type { ExitCode } from './exit.js';
import type { Printer } from './output.js';

/** A call of a command. */
export interface Call {
  readonly args: readonly string[];
  /** By long name: `true`, or the text of the option. */
  readonly options: Readonly<Record<string, string | boolean | string[] | undefined>>;
  /** Whether standard output is for a program. */
  readonly isJson: boolean;
  readonly out: Printer;
  readonly err: Printer;
  readonly environment: CallEnvironment;
  /** Reads the configuration. @throws A usage exception. */
  settings(): Settings;
}

export type Run = (call: Call) => Promise<ExitCode>;

/** The text of an option. */
export const textOf = ({ options }: Pick<Call, 'options'>, name: string): string | undefined => {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
};
