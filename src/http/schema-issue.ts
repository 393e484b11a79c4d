import type { BaseIssue } from 'valibot';

/** @returns A message that names the invalid part of an input, such as `devices[0].deviceId must be a UUID, got 5`. */
export function faultOf(issue: BaseIssue<unknown>, root: string): string {
  const place = placeOf((issue.path ?? []).map(({ key }) => key)) || root;
  if (issue.expected === 'never') return `${place} is unknown`;
  if (issue.input === undefined && issue.path !== undefined) return `${place} is missing`;
  return `${place} must be ${issue.message}, got ${kindOf(issue.input)}`;
}

function placeOf(keys: readonly unknown[]): string {
  return keys
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
}

/** The kind and length of a text, never the text, which could be a misplaced API key. */
function kindOf(input: unknown): string {
  if (typeof input === 'string') return `a string of ${input.length} characters`;
  if (typeof input === 'object' && input !== null) return Array.isArray(input) ? 'an array' : 'an object';
  return typeof input === 'function' || typeof input === 'symbol' ? `a ${typeof input}` : String(input);
}
