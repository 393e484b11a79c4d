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
    '<!-- Generated from src/cli/definitions.ts: change the definitions, then run `npx vitest run test/cli/help.test.ts -u`. -->',
    ABOUT,
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
    'Variables take precedence over the configuration. With `NIKDEV_DEVICE_ID` and an API key, `init` is not needed.',
    table(
      'variable',
      'contains',
      VARIABLES.map(([name, text]) => [`\`${name}\``, text]),
    ),
    '## Configuration',
    '`init` writes `.nikdev-iot/config.json`, with mode 0600 in a folder with mode 0700. The command looks for it in the working folder and the folders above, up to the home folder or the boundary of the file system. Besides the credentials (`deviceId`, `apiKey`, `baseUrl`, `insecureHttp`), it can contain:',
    table(
      'name',
      'contains',
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
