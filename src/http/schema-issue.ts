import type { BaseIssue } from 'valibot';

/** Says which part of an input is wrong and how, such as `devices[0].deviceId must be a UUID, got 5`. */
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

/** Never text itself: it could be an API key, in the wrong place. */
function kindOf(input: unknown): string {
  if (typeof input === 'string') return `a string of ${input.length} characters`;
  if (typeof input === 'object' && input !== null) return Array.isArray(input) ? 'an array' : 'an object';
  return typeof input === 'function' || typeof input === 'symbol' ? `a ${typeof input}` : String(input);
}
