/**
 * Defines a property that is not enumerable, or replaces its value. It is writable, as Valtio copies no other properties; the
 * descriptor inherits nothing, as a page may have set `Object.prototype.get`.
 *
 * @returns The object.
 */
export const define = <Target extends object>(object: Target, name: PropertyKey, value: unknown): Target =>
  Object.defineProperty(object, name, { __proto__: null, value, writable: true } as PropertyDescriptor);
