/**
 * The device and server that a writer's entries are meant for. Entries of one destination are never sent to another.
 *
 * @group For storage adapters of your own
 */
export interface Destination {
  /** A UUID in lower case, as UUIDs are compared without regard to case. */
  readonly deviceId: string;
  /** A normalized URL with its final `/`. */
  readonly baseUrl: string;
}

export function sameDestination(one: Destination, other: Destination): boolean {
  return one.deviceId === other.deviceId && one.baseUrl === other.baseUrl;
}

/** @returns The destination as the key of a map. */
export function destinationKey({ deviceId, baseUrl }: Destination): string {
  return `${deviceId} ${baseUrl}`;
}

/** @returns One line of JSON, whatever `toJSON` a page has set on `Object.prototype`. */
export const encodeDestination = (destination: Destination): string =>
  JSON.stringify({ ...destination, toJSON: undefined });

/** @returns `undefined` unless the text is the JSON of a destination. */
export function decodeDestination(text: string): Destination | undefined {
  try {
    const destination = JSON.parse(text) as Partial<Destination> | null;
    return typeof destination?.deviceId === 'string' && typeof destination.baseUrl === 'string'
      ? { deviceId: destination.deviceId, baseUrl: destination.baseUrl }
      : undefined;
  } catch {
    return undefined;
  }
}
