import { apiKey, deviceId } from './credentials.js';

/** A page is opened with its settings in its query; a process has them in its environment. */
const { search } = globalThis.location ?? {};
const setting = (name) => (search ? new URLSearchParams(search).get(name) : globalThis.process?.env[name]);

export const options = { deviceId, apiKey, baseUrl: setting('SERVER') };

/** The value of the reading. */
export const temperature = Number(setting('VALUE'));
