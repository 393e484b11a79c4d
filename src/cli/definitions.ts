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

const FIELD = { name: '<field...>', text: 'names of the configuration; without its "fields", field ids' };
const WAIT: OptionDefinition = {
  flags: '--wait <time>',
  text: 'try again until everything is stored, for so long at most: 30s, 5m',
};
const NOW: OptionDefinition = { flags: '--now', text: 'push also if the last failure says to wait' };

export const COMMANDS: readonly CommandDefinition[] = [
  {
    name: 'init',
    summary: 'save the credentials of a device in this folder',
    description:
      'Asks for the Device ID, the API key (not shown) and the URL of the server, and saves them in .nikdev-iot/config.json, which only this user may read. The key is never an argument, as other users see arguments: it comes from the question, from standard input, or from NIKDEV_API_KEY or NIKDEV_API_KEY_FILE.',
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
      'Stages values for the next commit; the same field again replaces its value. A value is a number, true or false, else text; quotes make it text: \'note="42"\'.',
    args: [{ name: '<name=value...>', text: 'values by name; without "fields" in the configuration, by field id' }],
    options: [
      { flags: '-c, --commit', text: 'commit them, with all that is staged, in one step' },
      { flags: '-p, --push', text: 'push after the commit' },
      { flags: '-t, --time <seconds>', text: 'with -c: the time of the entry in whole Unix seconds; now if absent' },
      NOW,
    ],
    examples: ['nikdev-iot add temperature=21.5 door=open', 'nikdev-iot add temperature=21.5 -cp'],
    load: () => import('./commands/add.js'),
  },
  {
    name: 'commit',
    summary: 'lock the staged values into an entry',
    description: 'Makes an entry of the staged values, with the time. When it ends, the entry is on the disk.',
    options: [{ flags: '-t, --time <seconds>', text: 'the time of the entry in whole Unix seconds; now if absent' }],
    examples: ['nikdev-iot commit', 'nikdev-iot commit -t 1795349600'],
    load: () => import('./commands/commit.js'),
  },
  {
    name: 'push',
    summary: 'upload what is committed',
    description:
      'Uploads the committed entries, oldest first. After a failure the next push is due after a pause, which the folder remembers from call to call; until then this exits with 75.',
    options: [NOW, WAIT],
    examples: ['nikdev-iot push', 'nikdev-iot push --now --wait 30s'],
    load: () => import('./commands/push.js'),
  },
  {
    name: 'status',
    summary: 'show what waits, since when, what failed and what to do',
    description:
      'Shows what is staged, what waits, and how the last push went. With --json it is the status() of an Api.',
    examples: ['nikdev-iot status', 'nikdev-iot status --json'],
    load: () => import('./commands/status.js'),
  },
  {
    name: 'log',
    summary: 'show the committed entries that wait',
    description: 'Shows the committed entries that wait for a push, the newest first.',
    options: [{ flags: '-n, --number <count>', text: 'how many at most' }],
    examples: ['nikdev-iot log -n 20', 'nikdev-iot log --json'],
    load: () => import('./commands/log.js'),
  },
  {
    name: 'quarantine',
    summary: 'show, put back or drop the entries that the server refuses',
    description:
      'Entries that the server refuses while it accepts others are set apart, with the reason. "list" shows them, "show" all of some, "restore" puts them back into the queue, "drop" deletes them; without ids, all.',
    args: [
      { name: '[action]', text: 'list (default), show, restore or drop' },
      { name: '[id...]', text: 'ids of entries' },
    ],
    options: [{ flags: '--yes', text: 'drop all without ids' }],
    examples: ['nikdev-iot quarantine', 'nikdev-iot quarantine restore'],
    load: () => import('./commands/quarantine.js'),
  },
  {
    name: 'reset',
    summary: 'forget the staged values, or the queue',
    description:
      'Forgets the staged values. With --queue it deletes the committed entries that wait; not those in quarantine.',
    options: [
      { flags: '--queue', text: 'delete the committed entries instead' },
      { flags: '--yes', text: 'needed for --queue: deleted entries do not come back' },
    ],
    examples: ['nikdev-iot reset', 'nikdev-iot reset --queue --yes'],
    load: () => import('./commands/reset.js'),
  },
  {
    name: 'get',
    summary: 'read the latest values of fields',
    description: 'Reads the latest values of fields from the server. A field that it does not know is left out.',
    args: [FIELD],
    examples: ['nikdev-iot get temperature door', 'nikdev-iot get temperature --json'],
    load: () => import('./commands/get.js'),
  },
  {
    name: 'watch',
    summary: 'print a line whenever a value changes',
    description:
      'Prints the latest values, and a line for each change after that, until it is interrupted. While the server can not be reached it goes on, with a line on standard error for each failed request; it ends with exit code 1 where the server refuses.',
    args: [FIELD],
    options: [{ flags: '--every <time>', text: 'how often to ask the server: 10s if absent' }],
    examples: ['nikdev-iot watch temperature', 'nikdev-iot watch temperature --json --every 1m'],
    load: () => import('./commands/watch.js'),
  },
  {
    name: 'pipe',
    summary: 'commit lines of standard input, and push them',
    description:
      "Reads lines from standard input (name=value … or JSON objects), commits each, and pushes automatically. A line that can't be read is reported on standard error with its number, the rest goes on, and the exit code is 1. It ends when the input ends, after pushing what is left; on SIGTERM within 10 s.",
    options: [
      { flags: '--every <time>', text: 'make one entry of the lines of so much time, each field with its last value' },
      { flags: '--wait <time>', text: 'how long to push at the end: 30s if absent' },
    ],
    examples: ["mosquitto_sub -t 'sensors/#' -F '%t=%p' | nikdev-iot pipe", 'sensor | nikdev-iot pipe --every 10s'],
    load: () => import('./commands/pipe.js'),
  },
  {
    name: 'test',
    summary: 'test the connection and the rights of the API key',
    description:
      'Finds out whether the server can be reached, knows the credentials, and what they may do. Nothing is stored.',
    examples: ['nikdev-iot test'],
    load: () => import('./commands/test.js'),
  },
  {
    name: 'emulator',
    summary: 'run a NikDev IoT server for trials',
    description:
      'Runs a server in memory, on loopback, and prints its URL, a Device ID and an API key, and each request. A page at / shows what arrives, live.',
    options: [
      { flags: '--port <port>', text: 'the port: 8080 if absent, 0 for any' },
      { flags: '--host <host>', text: 'the address: 127.0.0.1 if absent' },
      {
        flags: '--device <id:key>',
        text: 'a Device ID and API key to accept, for trials only: others see arguments',
        isList: true,
      },
      {
        flags: '--fault <fault>',
        text: 'answer requests with a status: 503@10% of them; timeout@5% and cut@5%, too',
        isList: true,
      },
      {
        flags: '--refuse <field>',
        text: 'answer 400 to uploads with this field id, for trials of the quarantine',
        isList: true,
      },
      { flags: '--keep <entries>', text: 'how many entries to keep: 100000 if absent' },
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
      'Runs a gateway in front of the server, on a cluster of NATS servers: docs/gateway.md. "init" makes its streams, once; "run" accepts and forwards, on every machine; "status" shows what waits, "quarantine" the entries that the server refused, and "parked" the devices that it refused or failed. It needs npm install @nats-io/transport-node@3.4 @nats-io/jetstream@3.4 @nats-io/kv@3.4 pino@10 prom-client@15. Each option is a variable, too: NIKDEV_GATEWAY_NATS_CA is --nats-ca. Secrets are variables only, or files: NIKDEV_GATEWAY_SECRET (32 bytes in base64, on every machine the same) and NIKDEV_GATEWAY_NATS_PASSWORD, or with _FILE.',
    args: [
      { name: '<action>', text: 'init, run, status, quarantine or parked' },
      {
        name: '[more...]',
        text: 'quarantine: list, retry or drop, and numbers; parked: list or retry, and Device IDs',
      },
    ],
    options: [
      { flags: '--nats <urls>', text: 'the NATS servers, with commas: nats://127.0.0.1:4222 if absent' },
      { flags: '--nats-user <name>', text: 'the user of NATS' },
      { flags: '--nats-credentials <file>', text: 'a .creds file, instead' },
      { flags: '--nats-ca <file>', text: 'the authorities of the certificates of NATS; switches to TLS' },
      { flags: '--nats-cert <file>', text: 'the certificate of this gateway for NATS' },
      { flags: '--nats-key <file>', text: 'its private key' },
      { flags: '--replicas <count>', text: 'init: copies of each message: 3 if absent' },
      { flags: '--partitions <count>', text: 'init: uploads that are forwarded at once: 64 if absent, fixed for ever' },
      { flags: '--max-bytes <size>', text: 'init: the size of the queue: 10G if absent' },
      { flags: '--max-messages <count>', text: 'init: uploads of one device in the queue: 10000 if absent' },
      { flags: '--port <port>', text: 'run: the port: 8080 if absent, 0 for any' },
      { flags: '--host <host>', text: 'run: the address: 127.0.0.1 if absent; others need TLS' },
      { flags: '--upstream <url>', text: 'run: the URL of the server' },
      { flags: '--metrics-port <port>', text: 'run: the port of /metrics on 127.0.0.1: 9464 if absent' },
      { flags: '--tls-cert <file>', text: 'run: a certificate, to serve https' },
      { flags: '--tls-key <file>', text: 'run: its private key' },
      { flags: '--behind-proxy', text: 'run: a proxy in front ends TLS' },
      { flags: '--front-only', text: 'run: accept uploads, and let other gateways forward them' },
      { flags: '--yes', text: 'quarantine: drop all' },
      { flags: '--log-level <level>', text: 'run: debug, info, warn, error or silent: info if absent' },
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
    description: 'Deletes the API key from the configuration. Entries that wait stay, until a key is there again.',
    examples: ['nikdev-iot logout'],
    load: () => import('./commands/logout.js'),
  },
];

export const ABOUT = "Stage, commit and push readings to the NikDev IoT server, in git's words.";

/** Variables of the environment, for the help and docs/cli.md. */
export const VARIABLES: readonly (readonly [name: string, text: string])[] = [
  ['NIKDEV_DEVICE_ID', 'the Device ID'],
  ['NIKDEV_API_KEY', 'the API key; sent to the server of NIKDEV_URL (or the default) only'],
  ['NIKDEV_API_KEY_FILE', 'a file with the API key, instead'],
  ['NIKDEV_URL', 'the URL of the server'],
  ['NIKDEV_DIR', 'the folder of configuration and readings, instead of .nikdev-iot here or above'],
  ['NO_COLOR', 'no colour'],
];

/** Exit codes, for the help and docs/cli.md. */
export const EXIT_CODES: readonly (readonly [code: string, text: string])[] = [
  ['0', 'done, or there was nothing to do'],
  ['1', 'the server refused something, an entry was quarantined, or a line could not be read'],
  ['2', "the command line or the configuration can't be used; nothing was changed"],
  ['75', 'temporary: try again; what was committed before is kept, and a push that is not due yet is one, too'],
];
