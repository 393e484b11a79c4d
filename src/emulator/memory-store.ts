import { refuseRight, refuseUnknown } from '../http/credentials.js';
import { type HttpResponse, json } from '../http/message.js';
import type { DeviceAccess, Store } from '../http/store.js';
import type { Device } from './device.js';

/**
 * The devices of the emulator as a store of the routes.
 *
 * @param devices - By Device ID in lower case.
 * @param now - The server's clock, in whole Unix seconds.
 */
export function memoryStore(devices: ReadonlyMap<string, Device>, now: () => number): Store {
  return {
    authorize({ deviceId, apiKey }, right) {
      const device = devices.get(deviceId);
      const rights = device?.rightsOf(apiKey);
      if (!device || !rights) return { rejection: refuseUnknown() };
      return rights[right] ? { device: accessTo(device, now) } : { rejection: refuseRight(right) };
    },
  };
}

const accessTo = (device: Device, now: () => number): DeviceAccess => ({
  append({ upload }) {
    device.store(upload, now());
    return json(200, { data: {} });
  },
  read: (fieldIds) => sendLatest(device, fieldIds, now()),
});

function sendLatest(device: Device, fieldIds: readonly string[], servertime: number): HttpResponse {
  const values = fieldIds.flatMap((fieldId) => {
    const latest = device.latest(fieldId);
    return latest ? [{ [fieldId]: latest }] : [];
  });
  return json(200, { data: { servertime, values } });
}
