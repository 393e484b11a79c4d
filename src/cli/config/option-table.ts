/** An option of `new Api(…)` that the configuration may hold. */
interface ConfigOption {
  /** The option in words, for the documentation. */
  readonly text: string;
  /** Makes the option of what the configuration holds: JSON has no functions. Default: as it is. */
  readonly make?: (given: unknown) => Promise<unknown>;
}

/** The options of `new Api(…)` by name. Their values are validated by `Api`. */
export const CONFIG_OPTIONS: Readonly<Record<string, ConfigOption>> = {
  fields: { text: 'names of fields: `{ "temperature": "<Field ID>" }`. Without it, names are field ids' },
  requestTimeout: { text: 'deadline of a request, in seconds (10)' },
  maxEntriesPerRequest: { text: 'entries in one request (1000)' },
  maxBytesPerRequest: { text: 'bytes of one request (524288)' },
  maxQueuedEntries: { text: 'entries that may wait (no limit)' },
  overflow: { text: '`"refuse"` (default) or `"drop-oldest"`, when `maxQueuedEntries` is reached' },
};

/** @returns The options of a configuration, as `new Api(…)` takes them. */
export async function makeOptions(given: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> {
  const options: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given))
    options[name] = (await CONFIG_OPTIONS[name]?.make?.(value)) ?? value;
  return options;
}
