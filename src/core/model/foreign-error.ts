/**
 * A text that an error has. The error may be of another realm, where `instanceof` is false, or not be an error at all.
 *
 * @returns `undefined` where there is no such text, or looking at it throws.
 */
export function textOf(error: unknown, name: 'name' | 'code' | 'message'): string | undefined {
  try {
    const text: unknown = Object(error)[name];
    return typeof text === 'string' ? text : undefined;
  } catch {
    return undefined;
  }
}
