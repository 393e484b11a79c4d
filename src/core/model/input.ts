/** Whether `input` is `{ … }`, of any realm: a plain object's prototype is none, or one that has none. */
export function isPlainObject(input: unknown): input is Readonly<Record<string, unknown>> {
  if (typeof input !== 'object' || input === null) return false;
  const prototype: unknown = Object.getPrototypeOf(input);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** How a refused input is shown in a message: its value where that is short and plain, else its kind. */
export function show(input: unknown): string {
  switch (typeof input) {
    case 'string':
      return JSON.stringify(input.length > 60 ? `${input.slice(0, 60)}…` : input);
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(input);
    default:
      return kindOf(input);
  }
}

/** What kind of thing an input is: for what must not be shown. */
export function kindOf(input: unknown): string {
  if (input === null || input === undefined) return String(input);
  if (typeof input === 'object') return Array.isArray(input) ? 'an array' : 'an object';
  return `a ${typeof input}`;
}
