import { refuseRight, refuseUnknown } from '../http/credentials.js';
import { type HttpResponse, json } from '../http/message.js';
import type { DeviceAccess, Store } from '../http/store.js';
import type { Upload } from '../http/upload-schema.js';
import { copyOf, type Device } from './device.js';
import type { Refuse } from './options.js';
import type { StoredUpload } from './request-log.js';

interface StoreOptions {
  /** The server's clock, in whole Unix seconds. */
  now(): number;
  readonly refuse: Refuse | undefined;
  /** Called with copies when an upload is stored. */
  readonly onStored: ((upload: StoredUpload) => void) | undefined;
}

/**
 * The devices of the emulator as a store of the routes.
 *
 * @param devices - By Device ID in lower case.
 */
export function memoryStore(devices: ReadonlyMap<string, Device>, { now, refuse, onStored }: StoreOptions): Store {
  const accessTo = (deviceId: string, device: Device): DeviceAccess => ({
    append({ upload }) {
      const message = refuse && refusalOf(upload, refuse);
      if (message !== undefined) return json(400, { message });
      const stored = device.store(upload, now());
      onStored?.({ deviceId, entries: stored.map(copyOf) });
      return json(200, { data: {} });
    },
    read: (fieldIds) => sendLatest(device, fieldIds, now()),
  });
  return {
    authorize({ deviceId, apiKey }, right) {
      const device = devices.get(deviceId);
      const rights = device?.rightsOf(apiKey);
      if (!device || !rights) return { rejection: refuseUnknown() };
      return rights[right] ? { device: accessTo(deviceId, device) } : { rejection: refuseRight(right) };
    },
  };
}

function sendLatest(device: Device, fieldIds: readonly string[], servertime: number): HttpResponse {
  const values = fieldIds.flatMap((fieldId) => {
    const latest = device.latest(fieldId);
    return latest ? [{ [fieldId]: latest }] : [];
  });
  return json(200, { data: { servertime, values } });
}

/** The message about the first entry that is refused. */
function refusalOf({ entries }: Upload, refuse: Refuse): string | undefined {
  for (const entry of entries) {
    const message = refuse(copyOf(entry));
    if (message !== undefined) return message;
  }
  return undefined;
}
