/**
 * What a writer's entries are for. Entries of one binding are never sent for another.
 *
 * @group For storage adapters of your own
 */
export interface Binding {
  /** In small letters: UUIDs are compared without regard to case. */
  readonly deviceId: string;
  /** As the options' check leaves it, with its final `/`. */
  readonly baseUrl: string;
}

export function sameBinding(one: Binding, other: Binding): boolean {
  return one.deviceId === other.deviceId && one.baseUrl === other.baseUrl;
}

/** A binding as a key of a map. */
export function bindingKey({ deviceId, baseUrl }: Binding): string {
  return `${deviceId} ${baseUrl}`;
}

/** @returns `undefined` for anything but a binding as JSON. */
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
