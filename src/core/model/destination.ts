/**
 * The device and server that a writer's entries are meant for. Entries of one binding are never sent to another.
 *
 * @group For storage adapters of your own
 */
export interface Binding {
  /** A UUID in lower case, as UUIDs are compared without regard to case. */
  readonly deviceId: string;
  /** A normalized URL with its final `/`. */
  readonly baseUrl: string;
}

export function sameBinding(one: Binding, other: Binding): boolean {
  return one.deviceId === other.deviceId && one.baseUrl === other.baseUrl;
}

/** @returns The binding as the key of a map. */
export function bindingKey({ deviceId, baseUrl }: Binding): string {
  return `${deviceId} ${baseUrl}`;
}

/** @returns `undefined` unless the text is the JSON of a binding. */
export function decodeBinding(text: string): Binding | undefined {
  try {
    const binding = JSON.parse(text) as Partial<Binding> | null;
    return typeof binding?.deviceId === 'string' && typeof binding.baseUrl === 'string'
      ? { deviceId: binding.deviceId, baseUrl: binding.baseUrl }
      : undefined;
  } catch {
    return undefined;
  }
}
