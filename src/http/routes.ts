import { type Handler, Hono } from 'hono';
import { authorize } from './credentials.js';
import type { DeviceStore } from './device-store.js';
import type { UploadAttempt } from './upload-schema.js';

const ENTRIES = '/api/v1/entries/';
const VALUES = '/api/v1/values/';

/** What the handlers get with each request. */
export interface Env {
  Bindings: { attempt: UploadAttempt };
  Variables: { device: DeviceStore };
}

/**
 * The server's two routes.
 *
 * @param devices - By device id in lower case.
 * @param now - The server's clock, in whole Unix seconds.
 */
export function createRoutes(devices: ReadonlyMap<string, DeviceStore>, now: () => number): Hono<Env> {
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
