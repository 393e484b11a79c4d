import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** A longer file does not contain a key. */
const MAX_BYTES = 1000;
const OPEN_TO_OTHERS = 0o077;

/**
 * Reads the API Key from the file that NIKDEV_API_KEY_FILE names, or from NIKDEV_API_KEY. It is never an
 * argument, because every user of the machine can read arguments.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {string | undefined}
 * @throws {Error} Its message names the file and the remedy, never the content.
 */
export function readApiKey({ NIKDEV_API_KEY: key, NIKDEV_API_KEY_FILE: file, CREDENTIALS_DIRECTORY: credentials }) {
  if (!file) return key;
  if (key) throw new Error('NIKDEV_API_KEY and NIKDEV_API_KEY_FILE are both set: unset one of them.');
  const descriptor = openKey(file);
  try {
    // systemd gives a credential to its service by an access control list, which shows as a permission of the group.
    const isCredential = credentials !== undefined && dirname(resolve(file)) === resolve(credentials);
    if (!isCredential) refuseShared(file, fstatSync(descriptor).mode);
    return readText(file, descriptor).trim();
  } finally {
    closeSync(descriptor);
  }
}

function openKey(file) {
  try {
    return openSync(file, 'r');
  } catch (error) {
    throw new Error(`The file of the API Key can't be opened: ${error.message}`);
  }
}

/** Windows has no such modes: there a file in the user's own folder is the user's. */
function refuseShared(file, mode) {
  if (process.platform === 'win32' || (mode & OPEN_TO_OTHERS) === 0) return;
  const octal = (mode & 0o777).toString(8).padStart(4, '0');
  throw new Error(
    `Other users may use the API Key in ${file}, whose mode is ${octal}: run chmod 600 on it, and replace the key if others have had access.`,
  );
}

function readText(file, descriptor) {
  const bytes = Buffer.alloc(MAX_BYTES + 1);
  let length = 0;
  let read;
  do {
    read = readSync(descriptor, bytes, { offset: length });
    length += read;
  } while (read > 0 && length <= MAX_BYTES);
  if (length > MAX_BYTES) throw new Error(`${file} is too long for an API Key.`);
  return bytes.toString('utf8', 0, length);
}
