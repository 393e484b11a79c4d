import { describe, expect, test } from 'vitest';
import { createEmulator, type EmulatorOptions } from '../../src/emulator.js';
import { DEVICE, get, KEY, OTHER_DEVICE, standing } from './helpers.js';

const key = { key: KEY, read: true, write: true };
const create = (options: unknown) => () => createEmulator(options as EmulatorOptions);
const withDevice = (device: unknown) => create({ devices: [{ deviceId: OTHER_DEVICE, apiKeys: [] }, device] });

describe('options', () => {
  test.each([
    ['no options', create(undefined), 'the options must be an object, got undefined'],
    ['no devices', create({}), 'devices is missing'],
    ['devices that are no array', create({ devices: {} }), 'devices must be an array, got an object'],
    ['an unknown option', create({ devices: [], port: 1 }), 'port is unknown; there is devices, now, maxBodyBytes'],
    ['a clock that is no function', create({ devices: [], now: 5 }), 'now must be a function, got 5'],
    ['a listener that is no function', create({ devices: [], onRequest: 'x' }), 'onRequest must be a function, got'],
    ['a refusal that is no function', create({ devices: [], refuse: 'x' }), 'refuse must be a function, got'],
    ['a longest body of nothing', create({ devices: [], maxBodyBytes: 0 }), 'maxBodyBytes must be a whole number of'],
    ['a longest body of part of a byte', create({ devices: [], maxBodyBytes: 1.5 }), 'of bytes, from 1, got 1.5'],
    [
      'no entries to keep',
      create({ devices: [], maxEntries: 0 }),
      'maxEntries must be a whole number from 1, or Infinity',
    ],
    ['a device that is none', withDevice(null), 'devices[1] must be an object, got null'],
    ['a device without id', withDevice({ apiKeys: [] }), 'devices[1].deviceId is missing'],
    ['a device id that is no UUID', withDevice({ deviceId: 'x', apiKeys: [] }), 'devices[1].deviceId must be a UUID'],
    ['a device without keys', withDevice({ deviceId: DEVICE }), 'devices[1].apiKeys is missing'],
    ['an unknown property of a device', withDevice({ deviceId: DEVICE, apiKeys: [], name: 'x' }), 'devices[1].name is'],
    [
      'a right that is no boolean',
      withDevice({ deviceId: DEVICE, apiKeys: [{ ...key, read: 1 }] }),
      'apiKeys[0].read must',
    ],
    [
      'a key without a right',
      withDevice({ deviceId: DEVICE, apiKeys: [{ key: KEY, read: true }] }),
      'apiKeys[0].write is',
    ],
    ['an unknown right', withDevice({ deviceId: DEVICE, apiKeys: [{ ...key, admin: true }] }), 'apiKeys[0].admin is'],
    [
      'two keys alike',
      withDevice({ deviceId: DEVICE, apiKeys: [key, key] }),
      'devices[1].apiKeys[1].key is the same as',
    ],
    [
      'two devices alike but for case',
      withDevice({ deviceId: OTHER_DEVICE.toUpperCase(), apiKeys: [] }),
      'devices[1].deviceId is the same as devices[0].deviceId',
    ],
  ])('%s are refused by place', (_, run, message) => {
    expect(run).toThrow(TypeError);
    expect(run).toThrow(message);
  });

  test('a mistyped key is refused without repeating it', () => {
    const mistyped = KEY.slice(1);
    const run = withDevice({ deviceId: DEVICE, apiKeys: [{ ...key, key: mistyped }] });
    expect(run).toThrow('devices[1].apiKeys[0].key must be a UUID');
    expect(run).not.toThrow(mistyped);
  });

  test('a key in place of the name of a property is not repeated', () => {
    const run = withDevice({ deviceId: DEVICE, apiKeys: [], [KEY]: true });
    expect(run).toThrow('devices[1].xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx is unknown; there is deviceId, apiKeys');
    expect(run).not.toThrow(KEY);
  });

  test('the clock is Date.now by default', async () => {
    const emulator = standing({ now: undefined });
    const before = Math.floor(Date.now() / 1000);
    const { data } = await (await emulator.fetch(get('values/x'))).json();
    expect(data.servertime).toBeGreaterThanOrEqual(before);
    expect(data.servertime).toBeLessThanOrEqual(Date.now() / 1000);
  });
});
