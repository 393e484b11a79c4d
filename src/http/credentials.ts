import type { MiddlewareHandler } from 'hono';
import type { DeviceStore, KeyRights } from './device-store.js';

/**
 * Lets a request through whose key has the right it needs. No message repeats a header: it could hold a key in the wrong place.
 *
 * @param devices - By device id in lower case.
 */
export function authorize(
  devices: ReadonlyMap<string, DeviceStore>,
  right: keyof KeyRights,
): MiddlewareHandler<{ Variables: { device: DeviceStore } }> {
  return async (context, next) => {
    const device = devices.get((context.req.header('x-device-id') ?? '').toLowerCase());
    const rights = device?.rightsOf(context.req.header('x-api-key') ?? '');
    if (!device || !rights) return context.json({ message: 'Unknown Device ID or API Key' }, 401);
    if (!rights[right]) return context.json({ message: `The API Key has no ${right} access` }, 403);
    context.set('device', device);
    return next();
  };
}
