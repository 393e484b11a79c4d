import { isUuid } from '../core/model/schema.js';
import type { DeviceStore, KeyRights } from './device-store.js';
import { type HttpRequest, type HttpResponse, json } from './message.js';

/**
 * Finds the device of a request whose key has the right it needs. Only UUIDs are looked up: an id of another form could be
 * a pattern or a path where devices are kept. No message repeats a header: it could hold a key in the wrong place.
 *
 * @param devices - By device id in lower case.
 */
export function authorize(
  devices: ReadonlyMap<string, DeviceStore>,
  { header }: HttpRequest,
  right: keyof KeyRights,
): { readonly device: DeviceStore } | { readonly refusal: HttpResponse } {
  const [deviceId, key] = [header('x-device-id'), header('x-api-key')];
  const device = isUuid(deviceId) ? devices.get(deviceId.toLowerCase()) : undefined;
  const rights = isUuid(key) ? device?.rightsOf(key) : undefined;
  if (!device || !rights) return { refusal: json(401, { message: 'Unknown Device ID or API Key' }) };
  if (!rights[right]) return { refusal: json(403, { message: `The API Key has no ${right} access` }) };
  return { device };
}
