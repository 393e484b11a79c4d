import { Command, Option } from 'commander';
import {
  ABOUT,
  COMMANDS,
  type CommandDefinition,
  EXIT_CODES,
  GLOBAL_OPTIONS,
  type OptionDefinition,
  VARIABLES,
} from './definitions.js';

/** The handler of a parsed call. */
export type Handler = (
  definition: CommandDefinition,
  args: readonly string[],
  options: Readonly<Record<string, string | boolean | string[] | undefined>>,
) => Promise<void>;

/** Where the parser writes. */
export interface ProgramOutput {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** Help has this width everywhere, so that it reads the same in a terminal, a pipe and docs/cli.md. */
const WIDTH = 100;

/** Makes the parser. It throws a `CommanderError` where it would exit. */
export function createProgram(version: string, { out, err }: ProgramOutput, handle: Handler): Command {
  const program = new Command('nikdev-iot')
    .description(ABOUT)
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .configureHelp({ helpWidth: WIDTH, showGlobalOptions: true })
    .configureOutput({ writeOut: out, writeErr: err, getOutHelpWidth: () => WIDTH, getErrHelpWidth: () => WIDTH })
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText('after', `\n${section('Environment', VARIABLES)}\n\n${section('Exit codes', EXIT_CODES)}`);
  for (const option of GLOBAL_OPTIONS) program.addOption(optionOf(option));
  for (const definition of COMMANDS) program.addCommand(commandOf(definition, program, handle));
  return program;
}

function commandOf(definition: CommandDefinition, program: Command, handle: Handler): Command {
  const { name, summary, description, args = [], options = [], examples } = definition;
  const command = new Command(name)
    .copyInheritedSettings(program)
    .summary(summary)
    .description(description)
    .helpOption('-h, --help', 'show this help')
    .addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}`);
  for (const arg of args) command.argument(arg.name, arg.text);
  // Accepted behind the command as well, where most people write them.
  for (const option of [...options, ...GLOBAL_OPTIONS])
    command.addOption(optionOf(option).hideHelp(GLOBAL_OPTIONS.includes(option)));
  return command.action((...given: unknown[]) => {
    const values = given
      .slice(0, args.length)
      .flat()
      .filter((value) => value !== undefined) as string[];
    return handle(definition, values, { ...program.opts(), ...command.opts() });
  });
}

function optionOf({ flags, text, isList }: OptionDefinition): Option {
  const option = new Option(flags, text);
  return isList ? option.argParser((value: string, before: string[] = []) => [...before, value]) : option;
}

function section(title: string, rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return `${title}:\n${rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`).join('\n')}`;
}
