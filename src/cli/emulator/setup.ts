import { randomUUID } from 'node:crypto';
import { isUuid } from '../../core/model/schema.js';
import type { EmulatorOptions } from '../../emulator.js';
import { type Call, textOf } from '../command.js';
import { usage } from '../exit.js';
import { parseCount } from '../option-values.js';
import { type LikelyFault, parseFault } from './faults.js';

/** A device that the emulator accepts. */
export interface Credentials {
  readonly deviceId: string;
  readonly apiKey: string;
}

/** The options of a call of `emulator`, parsed. */
export interface EmulatorSetup {
  readonly port: number;
  readonly host: string;
  readonly devices: readonly Credentials[];
  readonly faults: readonly LikelyFault[];
  readonly emulator: EmulatorOptions;
}

/** @throws A usage exception. */
export function readSetup(call: Pick<Call, 'options'>): EmulatorSetup {
  const devices = devicesOf(listOf(call, 'device'));
  return {
    port: parseCount(textOf(call, 'port') ?? '8080', '--port', { min: 0, max: 65_535 }),
    host: textOf(call, 'host') ?? '127.0.0.1',
    devices,
    faults: listOf(call, 'fault').map(parseFault),
    emulator: {
      devices: devices.map(({ deviceId, apiKey }) => ({
        deviceId,
        apiKeys: [{ key: apiKey, read: true, write: true }],
      })),
      maxEntries: parseCount(textOf(call, 'keep') ?? '100000', '--keep'),
      refuse: refusalOf(listOf(call, 'refuse')),
    },
  };
}

/** Refuses entries with one of these fields, if there are any. */
function refusalOf(fieldIds: readonly string[]): EmulatorOptions['refuse'] {
  if (fieldIds.length === 0) return undefined;
  if (fieldIds.includes('')) throw usage('--refuse must be a field id');
  const refused = new Set(fieldIds);
  return ({ values }) => {
    const found = values.find(({ fieldId }) => refused.has(fieldId));
    return found && `the field ${found.fieldId} is refused`;
  };
}

function devicesOf(given: readonly string[]): Credentials[] {
  if (given.length === 0) return [{ deviceId: randomUUID(), apiKey: randomUUID() }];
  return given.map((text) => {
    const [deviceId = '', apiKey = '', ...rest] = text.split(':');
    if (rest.length > 0 || !isUuid(deviceId) || !isUuid(apiKey))
      throw usage('--device must be a Device ID and an API key, two UUIDs with a colon between them');
    return { deviceId, apiKey };
  });
}

const listOf = ({ options }: Pick<Call, 'options'>, name: string): readonly string[] => {
  const value = options[name];
  return Array.isArray(value) ? value : [];
};
