import type { BaseIssue } from 'valibot';
import { maskIds } from '../core/model/foreign-text.js';
import { showLength } from '../core/model/input.js';
import { firstOf, isUnknown } from '../core/model/schema.js';

/**
 * Describes the first issue, such as `devices[0].deviceId must be a UUID, got 5`. Never shows a text, which could be a misplaced
 * API key.
 */
export function faultOf(issues: readonly [BaseIssue<unknown>, ...BaseIssue<unknown>[]], root: string): string {
  const issue = firstOf(issues);
  const place = placeOf((issue.path ?? []).map(({ key }) => key)) || root;
  if (isUnknown(issue)) return `${maskIds(place)} is unknown; ${issue.message}`;
  if (issue.input === undefined && issue.path !== undefined) return `${place} is missing`;
  return `${place} must be ${issue.message}, got ${showLength(issue.input)}`;
}

function placeOf(keys: readonly unknown[]): string {
  return keys
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
}
