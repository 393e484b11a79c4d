import { CONFIG_OPTIONS } from '../../src/cli/config/option-table.js';
import {
  ABOUT,
  COMMANDS,
  type CommandDefinition,
  EXIT_CODES,
  GLOBAL_OPTIONS,
  VARIABLES,
} from '../../src/cli/definitions.js';

type Row = readonly [name: string, text: string];

/** The text of docs/cli.md. */
export function reference(): string {
  return `${[
    '# The command `nikdev-iot`',
    `${ABOUT} Made of the definitions in \`src/cli/definitions.ts\`: change them, not this page.`,
    '```sh\nnpx nikdev-iot init\nnpx nikdev-iot add temperature=21.5 -cp\n```',
    '## Commands',
    table(
      'command',
      'does',
      COMMANDS.map(({ name, summary }) => [`[\`${name}\`](#${name})`, summary]),
    ),
    ...COMMANDS.map(commandText),
    '## Options of all commands',
    table(
      'option',
      'does',
      GLOBAL_OPTIONS.map(({ flags, text }) => [`\`${flags}\``, text]),
    ),
    '## Environment',
    'Variables win over the configuration. With a Device ID and an API key no `init` is needed.',
    table(
      'variable',
      'holds',
      VARIABLES.map(([name, text]) => [`\`${name}\``, text]),
    ),
    '## Configuration',
    '`init` writes `.nikdev-iot/config.json`, with mode 0600 in a folder with mode 0700. It is found in the working folder and above, up to the home folder and to the border of the file system. Beside the credentials (`deviceId`, `apiKey`, `baseUrl`, `insecureHttp`) it may hold:',
    table(
      'name',
      'holds',
      Object.entries(CONFIG_OPTIONS).map(([name, { text }]) => [`\`${name}\``, text]),
    ),
    '## Exit codes',
    table('code', 'means', EXIT_CODES),
  ].join('\n\n')}\n`;
}

function commandText({ name, description, args = [], options = [], examples }: CommandDefinition): string {
  const usage = ['nikdev-iot', name, ...(options.length > 0 ? ['[options]'] : []), ...args.map((arg) => arg.name)].join(
    ' ',
  );
  const rows: Row[] = [
    ...args.map((arg): Row => [`\`${arg.name}\``, arg.text]),
    ...options.map(({ flags, text }): Row => [`\`${flags}\``, text]),
  ];
  return [
    `### ${name}`,
    `\`${usage}\``,
    description,
    ...(rows.length > 0 ? [table('argument', 'means', rows)] : []),
    `\`\`\`sh\n${examples.join('\n')}\n\`\`\``,
  ].join('\n\n');
}

function table(first: string, second: string, rows: readonly Row[]): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const lines = rows.map(([name, text]) => `| ${cell(name)} | ${cell(text)} |`);
  return [`| ${first} | ${second} |`, '| --- | --- |', ...lines].join('\n');
}
