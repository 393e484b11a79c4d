import type { Run } from './command.js';

/** An argument of a command. */
export interface ArgumentDefinition {
  /** As commander writes it: `<field...>`, `[action]`. */
  readonly name: string;
  readonly text: string;
}

/** An option of a command. */
export interface OptionDefinition {
  /** As commander writes it: `-t, --time <seconds>`. */
  readonly flags: string;
  readonly text: string;
  /** Whether it may be given several times. */
  readonly isList?: boolean;
}

/** A command, for the parser, its help and docs/cli.md. */
export interface CommandDefinition {
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  readonly args?: readonly ArgumentDefinition[];
  readonly options?: readonly OptionDefinition[];
  readonly examples: readonly string[];
  /** Only the command that is called is loaded. */
  readonly load: () => Promise<{ readonly run: Run }>;
}

export const GLOBAL_OPTIONS: readonly OptionDefinition[] = [
  { flags: '--json', text: 'print JSON on standard output, and nothing else there' },
  { flags: '--insecure-http', text: 'allow plain http to another machine: the API key can be read on the way' },
];

const FIELD = { name: '<field...>', text: 'field names of the configuration; field ids if it has no "fields"' };
const WAIT: OptionDefinition = {
  flags: '--wait <time>',
  text: 'retry until everything is stored, for at most this long: 30s, 5m; a request that is under way then is finished',
};
const NOW: OptionDefinition = { flags: '--now', text: 'push even if the last failure says to wait' };

export const COMMANDS: readonly CommandDefinition[] = [
  {
    name: 'init',
    summary: 'save the credentials of a device in this folder',
    description:
      'Asks for the Device ID, the API key (not shown) and the URL of the server, and saves them in .nikdev-iot/config.json, which only this user may read. The key is never an argument, because other users can see arguments: it is typed in, or comes from standard input, NIKDEV_API_KEY or NIKDEV_API_KEY_FILE.',
    options: [
      { flags: '--device <id>', text: 'the Device ID' },
      { flags: '--url <url>', text: 'the URL of the server' },
    ],
    examples: ['nikdev-iot init', 'nikdev-iot init --device <Device ID> < key-file'],
    load: () => import('./commands/init.js'),
  },
  {
    name: 'add',
    summary: 'stage values',
    description:
      'Stages values for the next commit; the same field again replaces its value. A value is a number, true or false, or else text; quotes make it text: \'note="42"\'.',
    args: [{ name: '<name=value...>', text: 'values by field name; by field id if the configuration has no "fields"' }],
    options: [
      { flags: '-c, --commit', text: 'commit them, with everything that is staged, in one step' },
      { flags: '-p, --push', text: 'push after the commit' },
      { flags: '-t, --time <seconds>', text: 'with -c: the time of the entry in whole Unix seconds (default: now)' },
      NOW,
    ],
    examples: ['nikdev-iot add temperature=21.5 door=open', 'nikdev-iot add temperature=21.5 -cp'],
    load: () => import('./commands/add.js'),
  },
  {
    name: 'commit',
    summary: 'make an entry of the staged values',
    description: 'Makes an entry of the staged values, with the time. When the command ends, the entry is on the disk.',
    options: [{ flags: '-t, --time <seconds>', text: 'the time of the entry in whole Unix seconds (default: now)' }],
    examples: ['nikdev-iot commit', 'nikdev-iot commit -t 1795349600'],
    load: () => import('./commands/commit.js'),
  },
  {
    name: 'push',
    summary: 'upload the committed entries',
    description:
      'Uploads the committed entries, oldest first. After a failure, the next push is due after a pause, which grows from call to call; until then, this command exits with 75.',
    options: [NOW, WAIT],
    examples: ['nikdev-iot push', 'nikdev-iot push --now --wait 30s'],
    load: () => import('./commands/push.js'),
  },
  {
    name: 'status',
    summary: 'show what is queued, since when, what failed and what to do',
    description:
      'Shows what is staged, what is queued, and how the last push went. With --json, it prints the status() of an Api.',
    examples: ['nikdev-iot status', 'nikdev-iot status --json'],
    load: () => import('./commands/status.js'),
  },
  {
    name: 'log',
    summary: 'show the queued entries',
    description: 'Shows the committed entries that wait for a push, newest first.',
    options: [{ flags: '-n, --number <count>', text: 'the number of entries to show, at most' }],
    examples: ['nikdev-iot log -n 20', 'nikdev-iot log --json'],
    load: () => import('./commands/log.js'),
  },
  {
    name: 'quarantine',
    summary: 'show, restore or drop the entries that the server refuses',
    description:
      'Entries that the server refuses while it accepts others are kept in quarantine, with the reason. "list" shows them, "show" prints entries in full, "restore" puts them back into the queue, "drop" deletes them; without ids, "restore" and "drop" apply to all.',
    args: [
      { name: '[action]', text: 'list (default), show, restore or drop' },
      { name: '[id...]', text: 'ids of entries' },
    ],
    options: [{ flags: '--yes', text: 'allow "drop" without ids: all are deleted' }],
    examples: ['nikdev-iot quarantine', 'nikdev-iot quarantine restore'],
    load: () => import('./commands/quarantine.js'),
  },
  {
    name: 'reset',
    summary: 'remove the staged values, or the queue',
    description: 'Removes the staged values. With --queue, it deletes the queued entries, but not those in quarantine.',
    options: [
      { flags: '--queue', text: 'delete the queued entries instead' },
      { flags: '--yes', text: "required for --queue: deleted entries can't be recovered" },
    ],
    examples: ['nikdev-iot reset', 'nikdev-iot reset --queue --yes'],
    load: () => import('./commands/reset.js'),
  },
  {
    name: 'get',
    summary: 'read the latest values of fields',
    description:
      'Reads the latest values of fields from the server. A field that the server does not know is left out.',
    args: [FIELD],
    examples: ['nikdev-iot get temperature door', 'nikdev-iot get temperature --json'],
    load: () => import('./commands/get.js'),
  },
  {
    name: 'watch',
    summary: 'print a line whenever a value changes',
    description:
      'Prints the latest values, and then a line for each change, until it is interrupted. While the server cannot be reached, it continues, with a line on standard error for each failed request; if the server refuses, it ends with exit code 1.',
    args: [FIELD],
    options: [{ flags: '--every <time>', text: 'how often to ask the server, at least 1s (default: 10s)' }],
    examples: ['nikdev-iot watch temperature', 'nikdev-iot watch temperature --json --every 1m'],
    load: () => import('./commands/watch.js'),
  },
  {
    name: 'pipe',
    summary: 'commit lines of standard input, and push them',
    description:
      "Reads lines from standard input (name=value … or JSON objects), commits each, and pushes automatically. A line that can't be read is reported on standard error with its number, the other lines are committed, and the exit code is 1. The command ends when the input ends, after pushing the rest; on SIGTERM, within 10 s. If standard input fails, such as when a serial device is unplugged, the lines before are committed and pushed, and the exit code is 1.",
    options: [
      {
        flags: '--every <time>',
        text: 'make one entry of all lines within this time, with the last value of each field',
      },
      { flags: '--wait <time>', text: 'how long to push at the end (default: 30s)' },
    ],
    examples: ["mosquitto_sub -t 'sensors/#' -F '%t=%p' | nikdev-iot pipe", 'sensor | nikdev-iot pipe --every 10s'],
    load: () => import('./commands/pipe.js'),
  },
  {
    name: 'test',
    summary: 'test the connection and the permissions of the API key',
    description:
      'Finds out whether the server can be reached, whether it accepts the credentials, and what they permit. Nothing is stored.',
    examples: ['nikdev-iot test'],
    load: () => import('./commands/test.js'),
  },
  {
    name: 'emulator',
    summary: 'run a NikDev IoT server for tests',
    description:
      'Runs a server in memory, on loopback, and prints its URL, a Device ID and an API key, and each request. A page at / shows the readings as they arrive.',
    options: [
      { flags: '--port <port>', text: 'the port (default: 8080); 0 for any free port' },
      { flags: '--host <host>', text: 'the address to listen on (default: 127.0.0.1)' },
      {
        flags: '--device <id:key>',
        text: 'a Device ID and API key to accept, for tests only: other users can see arguments',
        isList: true,
      },
      {
        flags: '--fault <fault>',
        text: 'let requests fail: 503@10% answers 10% of them with 503; also timeout@5%, cut@5%',
        isList: true,
      },
      {
        flags: '--refuse <field>',
        text: 'answer 400 to uploads with this field id, to try the quarantine',
        isList: true,
      },
      { flags: '--keep <entries>', text: 'how many entries to keep (default: 100000)' },
    ],
    examples: [
      'nikdev-iot emulator',
      'nikdev-iot emulator --port 0 --fault 503@10%',
      'nikdev-iot emulator --refuse boiler',
    ],
    load: () => import('./commands/emulator.js'),
  },
  {
    name: 'gateway',
    summary: 'accept uploads of many devices into NATS JetStream, and forward them',
    description:
      'Runs a gateway in front of the server, on a cluster of NATS servers: see docs/gateway.md. "init" creates its streams, once; "run" accepts and forwards uploads, on every machine; "status" shows the queue (exit code 1 if a stream or bucket is missing), "quarantine" the entries that the server refused, and "parked" the devices whose uploads were refused or failed. It needs npm install @nats-io/transport-node@3.4 @nats-io/jetstream@3.4 @nats-io/kv@3.4 pino@10 prom-client@15. Each option can also be set as a variable: --nats-ca is NIKDEV_GATEWAY_NATS_CA; --front-only and --behind-proxy as 1, true, yes or on; or 0, false, no or off. Secrets can only be set as variables, NIKDEV_GATEWAY_SECRET (32 bytes in base64, the same on every machine) and NIKDEV_GATEWAY_NATS_PASSWORD, or as files, with _FILE appended to these names. Blanks and line ends around variables and secrets are removed.',
    args: [
      { name: '<action>', text: 'init, run, status, quarantine or parked' },
      {
        name: '[more...]',
        text: 'quarantine: list, retry or drop, then numbers; parked: list or retry, then Device IDs',
      },
    ],
    options: [
      { flags: '--nats <urls>', text: 'the NATS servers, separated by commas (default: nats://127.0.0.1:4222)' },
      { flags: '--nats-user <name>', text: 'the NATS user' },
      { flags: '--nats-credentials <file>', text: 'a .creds file, instead of a user' },
      { flags: '--nats-ca <file>', text: 'the certificate authorities of the NATS servers; enables TLS' },
      { flags: '--nats-cert <file>', text: 'the client certificate of this gateway for NATS' },
      { flags: '--nats-key <file>', text: 'the private key of that certificate' },
      { flags: '--replicas <count>', text: 'init: copies of each message (default: 3)' },
      {
        flags: '--partitions <count>',
        text: "init: uploads that are forwarded at once (default: 64); can't be changed later",
      },
      { flags: '--max-bytes <size>', text: 'init: the size of the queue (default: 10G)' },
      { flags: '--max-messages <count>', text: 'init: uploads of one device in the queue (default: 10000)' },
      { flags: '--port <port>', text: 'run: the port (default: 8080); 0 for any free port' },
      { flags: '--host <host>', text: 'run: the address to listen on (default: 127.0.0.1); others need TLS' },
      { flags: '--upstream <url>', text: 'run: the URL of the server' },
      { flags: '--metrics-port <port>', text: 'run: the port of /metrics on 127.0.0.1 (default: 9464)' },
      { flags: '--tls-cert <file>', text: 'run: a certificate, to serve https' },
      { flags: '--tls-key <file>', text: 'run: the private key of that certificate' },
      { flags: '--behind-proxy', text: 'run: a proxy in front terminates TLS' },
      { flags: '--front-only', text: 'run: only accept uploads; other gateways forward them' },
      { flags: '--yes', text: 'quarantine: allow "drop" without numbers: all are deleted' },
      { flags: '--log-level <level>', text: 'run: debug, info, warn, error or silent (default: info)' },
    ],
    examples: [
      'nikdev-iot gateway init --replicas 3 --partitions 64 --max-bytes 10G',
      'nikdev-iot gateway run --port 8080 --upstream https://iot.nik-dev.se/api/v1/',
      'nikdev-iot gateway quarantine retry 12 13',
    ],
    load: () => import('./commands/gateway.js'),
  },
  {
    name: 'logout',
    summary: 'delete the saved API key',
    description: 'Deletes the API key from the configuration. Queued entries stay until a key is set again.',
    examples: ['nikdev-iot logout'],
    load: () => import('./commands/logout.js'),
  },
];

export const ABOUT = "Stage, commit and push readings to the NikDev IoT server, in git's words.";

/** Variables of the environment, for the help and docs/cli.md. */
export const VARIABLES: readonly (readonly [name: string, text: string])[] = [
  ['NIKDEV_DEVICE_ID', 'the Device ID'],
  ['NIKDEV_API_KEY', 'the API key; sent to the server of NIKDEV_URL (or the default) only'],
  ['NIKDEV_API_KEY_FILE', 'a file with the API key, instead of NIKDEV_API_KEY'],
  ['NIKDEV_URL', 'the URL of the server'],
  ['NIKDEV_DIR', 'the folder of the configuration and readings, instead of .nikdev-iot here or above'],
  ['NIKDEV_IOT_DEBUG', '1: a line on standard error for each event'],
  ['NO_COLOR', 'any value but an empty one turns colour off'],
];

/** Exit codes, for the help and docs/cli.md. */
export const EXIT_CODES: readonly (readonly [code: string, text: string])[] = [
  ['0', 'done, or there was nothing to do'],
  [
    '1',
    'the server refused something, an entry was quarantined, or input or output failed: a line could not be read, or the result could not be written',
  ],
  ['2', "the command line or the configuration can't be used; nothing was changed"],
  ['75', 'temporary: try again; committed entries are kept. A push that is not due yet also exits with 75.'],
];
