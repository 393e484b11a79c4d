import { type Handler, Hono, type MiddlewareHandler } from 'hono';
import type { Device } from './device.js';
import type { EmulatedKey } from './options.js';
import type { UploadAttempt } from './upload.js';

const ENTRIES = '/api/v1/entries/';
const VALUES = '/api/v1/values/';

interface Env {
  Bindings: { attempt: UploadAttempt };
  Variables: { device: Device };
}

/**
 * The server's two routes.
 *
 * @param devices - By device id in lower case.
 * @param now - The server's clock, in whole Unix seconds.
 */
export function createRoutes(devices: ReadonlyMap<string, Device>, now: () => number): Hono<Env> {
  // By default Hono decodes part of the path, after which not every malformed escape of a field id is one any more.
  const app = new Hono<Env>({ getPath: (request) => new URL(request.url).pathname });
  app.post(ENTRIES, authorize(devices, 'write'), receiveEntries(now));
  app.all(ENTRIES, refuseMethod('POST'));
  app.get(`${VALUES}:ids`, authorize(devices, 'read'), sendValues(now));
  app.all(`${VALUES}:ids`, refuseMethod('GET'));
  app.notFound((context) => context.json({ message: 'There is nothing at this path' }, 404));
  // A fault of the emulator, or of its clock, is not an answer of the server.
  app.onError((error) => {
    throw error;
  });
  return app;
}

/** No message repeats what came: it could be a key in the wrong header. */
function authorize(
  devices: ReadonlyMap<string, Device>,
  right: keyof Pick<EmulatedKey, 'read' | 'write'>,
): MiddlewareHandler<Env> {
  return async (context, next) => {
    const device = devices.get((context.req.header('x-device-id') ?? '').toLowerCase());
    const rights = device?.rightsOf(context.req.header('x-api-key') ?? '');
    if (!device || !rights) return context.json({ message: 'Unknown Device ID or API Key' }, 401);
    if (!rights[right]) return context.json({ message: `The API Key has no ${right} access` }, 403);
    context.set('device', device);
    return next();
  };
}

function receiveEntries(now: () => number): Handler<Env> {
  return (context) => {
    const { upload, fault } = context.env.attempt;
    if (!upload) return context.json({ message: fault }, 400);
    context.get('device').store(upload, now());
    return context.json({ data: {} });
  };
}

function sendValues(now: () => number): Handler<Env> {
  return (context) => {
    const fieldIds = context.req.path.slice(VALUES.length).split(',').map(decode);
    const wrong = fieldIds.findIndex((fieldId) => !fieldId);
    if (wrong >= 0) return context.json({ message: `field id [${wrong}] is empty or not percent-encoded` }, 400);
    const device = context.get('device');
    const values = fieldIds.flatMap((fieldId = '') => {
      const latest = device.latest(fieldId);
      return latest ? [{ [fieldId]: latest }] : [];
    });
    return context.json({ data: { servertime: now(), values } });
  };
}

/** @returns `undefined` if an escape is malformed. */
function decode(fieldId: string): string | undefined {
  try {
    return decodeURIComponent(fieldId);
  } catch {
    return undefined;
  }
}

function refuseMethod(allowed: string): Handler<Env> {
  return (context) => context.json({ message: `Only ${allowed} is allowed here` }, 405, { Allow: allowed });
}
