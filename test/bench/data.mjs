import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const credentials = {
  deviceId: '11111111-1111-4111-8111-111111111111',
  apiKey: '22222222-2222-4222-8222-222222222222',
};

export const fieldIds = ['0a1b2c3d-0000-4000-8000-000000000001', '0a1b2c3d-0000-4000-8000-000000000002'];

/** Commits two values, the first of which differs from entry to entry. */
export function commitTwo(api, count, options) {
  api.addValue(fieldIds[0], count + 0.5);
  api.addValue(fieldIds[1], 'on');
  return api.commit(options);
}

/** The wire text of an entry's values, made by hand. */
export const textOf = ({ values }) => JSON.stringify(values.map(({ fieldId, value }) => ({ [fieldId]: value })));

/** Calls back with a new folder, which is gone afterwards. */
export async function inFolder(run) {
  const folder = mkdtempSync(join(tmpdir(), 'nikdev-iot-bench-'));
  try {
    return await run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
