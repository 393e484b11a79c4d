import { isUuid } from '../core/model/schema.js';
import { type HttpRequest, type HttpResponse, json } from './message.js';
import type { Access, KeyRights, Store } from './store.js';

/**
 * Finds the device of a request whose key has the required right. Only UUIDs are passed to the store, where an id of another
 * form could act as a pattern or a path.
 */
export function authorize(store: Store, { header }: HttpRequest, right: keyof KeyRights): Access | PromiseLike<Access> {
  const [deviceId, apiKey] = [header('x-device-id'), header('x-api-key')];
  if (!isUuid(deviceId) || !isUuid(apiKey)) return { rejection: refuseUnknown() };
  return store.authorize({ deviceId: deviceId.toLowerCase(), apiKey }, right);
}

/** The response to unknown credentials. No message repeats a header, which could hold a misplaced API key. */
export const refuseUnknown = (): HttpResponse => json(401, { message: 'Unknown Device ID or API Key' });

/** The response to a key without a right. */
export const refuseRight = (right: keyof KeyRights): HttpResponse =>
  json(403, { message: `The API Key has no ${right} access` });
