import { Api, type PushException, type Reading, type Status } from 'nikdev-iot';
import { createEmulator } from 'nikdev-iot/emulator';
import type { createGateway, GatewayOptions } from 'nikdev-iot/gateway';
import { fileStorage } from 'nikdev-iot/node';
import { opfsStorage } from 'nikdev-iot/opfs';
import { instrument } from 'nikdev-iot/otel';
import type { useApi, useReadings, useStatus } from 'nikdev-iot/react';
import { mmkvStorage } from 'nikdev-iot/react-native';

const { SERVER: baseUrl, VALUE } = process.env;
const deviceId = '11111111-1111-4111-8111-111111111111';
const apiKey = '22222222-2222-4222-8222-222222222222';

export const unused = [createEmulator, mmkvStorage, opfsStorage];
export const makeGateway = (create: typeof createGateway, options: GatewayOptions) => create(options);

/** A component, but for its elements. */
export function showDevice(hooks: {
  useApi: typeof useApi;
  useReadings: typeof useReadings;
  useStatus: typeof useStatus;
}) {
  const api = hooks.useApi({ deviceId, apiKey, fields: { temperature: 'field-of-temperature' } as const });
  const [reading] = hooks.useReadings(api, 'temperature', { everySeconds: 5 });
  const queued: number = hooks.useStatus(api).committed;
  // @ts-expect-error: not one of its fields
  hooks.useReadings(api, 'cellar');
  return { reading, queued };
}

export const isTemporary = (exception: PushException): boolean => exception.retainedData;

async function main(): Promise<void> {
  const fields = { temperature: 'field-of-temperature' } as const;
  const api = new Api({ deviceId, apiKey, fields, baseUrl, storage: fileStorage('readings') });
  const stopMetrics = instrument(api, { device: 'cellar' });
  api.addValue('temperature', Number(VALUE));
  // @ts-expect-error: not one of its fields
  if (Number(VALUE) < 0) api.addValue('cellar', 1);
  await api.commitAndPush();
  const readings: readonly Reading[] = await api.get('temperature');
  const status: Status = api.status();
  stopMetrics();
  await api.close();
  console.log(`read back ${readings[0]?.value}, ${status.committed} queued`);
}

void main();
