import type { CommanderError } from 'commander';
import { version } from '../../package.json';
import { cleanText, codeWord, maskIds } from '../core/model/foreign-text.js';
import type { Call } from './command.js';
import { readSettings, type Settings } from './config/settings.js';
import { EXIT, type ExitCode, usage } from './exit.js';
import { Printer } from './output.js';
import { createProgram } from './program.js';
import { report } from './report.js';

/** Runs a call. @returns Its exit code. */
export async function main(argv: readonly string[], process: NodeJS.Process): Promise<ExitCode> {
  const { env, stdout, stderr } = process;
  const out = new Printer(stdout, env);
  const err = new Printer(stderr, env);
  let exitCode: ExitCode = EXIT.ok;
  const output = { out: (text: string) => out.raw(text), err: (text: string) => err.raw(safe(text)) };
  const program = createProgram(version, output, async ({ load }, args, options) => {
    let settings: Settings | undefined;
    const environment = {
      env,
      get workingFolder() {
        return workingFolderOf(process);
      },
    };
    const call: Call = {
      args,
      options,
      isJson: options['json'] === true,
      out,
      err,
      environment,
      settings: () => (settings ??= readSettings(environment, options['insecureHttp'] === true)),
    };
    try {
      const { run } = await load();
      exitCode = await run(call);
    } catch (error) {
      exitCode = report(error, call);
    }
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!isParserExit(error)) throw error;
    if (error.exitCode === 0) return EXIT.ok;
    // The parser gave up before it could say whether this is for a program.
    if (argv.includes('--json'))
      out.json({ error: { name: 'CommandException', message: messageOf(error), advice: SEE_HELP } });
    return EXIT.usage;
  }
  return exitCode;
}

/** @throws A usage exception if it was deleted. */
function workingFolderOf(process: NodeJS.Process): string {
  try {
    return process.cwd();
  } catch (error) {
    throw usage(
      `the working folder can't be found (${codeWord(error) ?? 'unknown'})`,
      'Change to a folder that exists.',
    );
  }
}

/** The parser shows arguments that it refuses: one of them may be a key. */
const safe = (text: string): string =>
  text
    .split('\n')
    .map((line) => maskIds(cleanText(line)))
    .join('\n');

const SEE_HELP = 'See: nikdev-iot help';

/** Its first line: the second one may be a guess. Without a command, it is a placeholder. */
const messageOf = ({ code, message }: CommanderError): string =>
  code === 'commander.help' ? 'there is no command' : (safe(message.replace(/^error: /, '')).split('\n', 1)[0] ?? '');

/** The parser has printed its help or message. */
const isParserExit = (error: unknown): error is CommanderError =>
  typeof (error as CommanderError | null)?.code === 'string' && (error as CommanderError).code.startsWith('commander.');
