import { isUuid } from '../core/model/schema.js';
import type { DeviceStore, KeyRights } from './device-store.js';
import { type HttpRequest, type HttpResponse, json } from './message.js';

/**
 * Finds the device of a request whose key has the required right. Only UUIDs are passed to the store, where an id of another
 * form could act as a pattern or a path. No message repeats a header, which could hold a misplaced API key.
 *
 * @param devices - The devices by Device ID in lower case.
 */
export function authorize(
  devices: ReadonlyMap<string, DeviceStore>,
  { header }: HttpRequest,
  right: keyof KeyRights,
): { readonly device: DeviceStore } | { readonly rejection: HttpResponse } {
  const [deviceId, key] = [header('x-device-id'), header('x-api-key')];
  const device = isUuid(deviceId) ? devices.get(deviceId.toLowerCase()) : undefined;
  const rights = isUuid(key) ? device?.rightsOf(key) : undefined;
  if (!device || !rights) return { rejection: json(401, { message: 'Unknown Device ID or API Key' }) };
  if (!rights[right]) return { rejection: json(403, { message: `The API Key has no ${right} access` }) };
  return { device };
}
