import { expect, test } from 'vitest';
import { withCommonHeaders } from '../../src/http/cors.js';
import { json } from '../../src/http/message.js';

const dateAt = (milliseconds: number) => withCommonHeaders(json(200, {}), milliseconds).headers['date'];

test('the date of a response follows the clock, forwards and back', () => {
  const minute = Date.UTC(2026, 10, 29, 12, 0, 0);
  expect(dateAt(minute + 999)).toBe('Sun, 29 Nov 2026 12:00:00 GMT');
  expect(dateAt(minute + 1000)).toBe('Sun, 29 Nov 2026 12:00:01 GMT');
  expect(dateAt(minute - 1)).toBe('Sun, 29 Nov 2026 11:59:59 GMT');
});
