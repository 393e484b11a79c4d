/**
 * The pages of the documentation, in their order: the sidebar of the site, `llms.txt`, and the tests of links and blocks are
 * made from this list.
 *
 * @type {{ group: string, pages: { name: string, title: string, about: string }[] }[]}
 */
export const GROUPS = [
  {
    group: 'Start',
    pages: [
      page('getting-started', 'Getting started', 'a device on a Raspberry Pi: Node, a systemd service, logs, cron'),
      page('web', 'Page, worker, extension', 'a script tag with its hash, bundlers, tabs, watch, workers, extensions'),
      page('react', 'React, React Native', 'hooks, storage and lifecycle of an app'),
      page('hosts', 'Frameworks and bundlers', 'Vue, Svelte, Solid, Angular, Jest, and all tested hosts'),
      page('cli', 'The command', 'nikdev-iot in shells: commands, options, variables, exit codes'),
      page('docker', 'Docker', 'volumes, users, SIGTERM, adoption between containers'),
      page('from-python', 'From Python', 'both clients side by side, and their differences'),
    ],
  },
  {
    group: 'Use',
    pages: [
      page('storage', 'Storage', 'durability, adoption, a server that moved, full disks and queues, many devices'),
      page('delivery', 'Delivery', 'failures and retries, automatic pushing, order, dropping old entries, compression'),
      page('operations', 'Operations', 'connection test, status, logs, metrics, alarms'),
      page('gateway', 'Gateway', 'a store-and-forward tier for fleets on NATS JetStream'),
      page('security', 'Security', 'threat model, API keys, devices, pages, shared browsers'),
      page('testing', 'Testing', 'the emulator, faults, fake time, how this package is tested'),
    ],
  },
  {
    group: 'Look up',
    pages: [
      page('troubleshooting', 'Troubleshooting', 'by symptom and by message: whether data is safe, and what to do'),
      page('reference', 'Methods, options, events', 'one table each, and names for fields'),
      page('measurements', 'Measurements', 'sizes, speed, bytes, the time after an outage'),
    ],
  },
];

export const PAGES = GROUPS.flatMap(({ pages }) => pages);

function page(name, title, about) {
  return { name, title, about };
}

/**
 * The text of `llms.txt` (https://llmstxt.org).
 *
 * @param {string} folder - The folder of the pages, as links name it.
 */
export function llmsText(folder) {
  const lines = GROUPS.flatMap(({ group, pages }) => [
    `## ${group}`,
    '',
    ...pages.map(({ name, title, about }) => `- [${title}](${folder}${name}.md): ${about}`),
    '',
  ]);
  return [
    '# nikdev-iot',
    '',
    '> Readings that arrive: stage (`addValue`), commit and push sensor values from Node, web pages and apps to the NikDev IoT server,',
    '> offline or not. TypeScript, no runtime dependencies.',
    '',
    ...lines,
  ].join('\n');
}
