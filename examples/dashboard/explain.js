/**
 * Failures and warnings in words for somebody who looks at the page, and can't change its program or its server. The
 * messages of the library are for its developer.
 */

/** By the code of a warning. */
const WARNINGS = {
  'compression-off': 'Values are sent uncompressed from now on. Nothing is lost.',
  'entries-waiting': 'This browser also holds values for another device. They are safe, and wait for its page.',
  'insecure-url': 'The connection is not encrypted: others on the network can read and forge values.',
  'listener-failed': 'A part of this page failed. No value is affected.',
  'queue-long': 'Very many values wait to be pushed.',
  'storage-cleared': 'Saved values were deleted. Those that wait are saved again.',
  'storage-failed': 'The storage of this browser fails at the moment. Saving is tried again.',
  'storage-opened-twice': 'The storage of this page is in use twice.',
  'storage-unavailable': 'This browser saves nothing for this page: committed values are lost when it closes.',
  'taken-over': 'Another tab has adopted the values that waited here, and pushes them.',
  'unreadable-records': 'Some saved values can’t be read. They stay in this browser.',
  'unsafe-storage': 'Others on this computer may change saved values.',
  'value-refused': 'A value of the server has an unexpected form, and is not shown.',
  'weak-ids': 'This browser has no safe random numbers: values of two tabs may overwrite each other.',
};

/** @param {{ code: string }} warning */
export function explainWarning({ code }) {
  return WARNINGS[code] ?? `Something needs the attention of this page’s owner (${code}).`;
}

/**
 * @param {unknown} error
 * @param {string} [consequence] - The consequence for the data.
 */
export function explain(error, consequence = '') {
  const { isApiException } = window.NikDevIoT;
  if (!isApiException(error)) return `The page failed: ${error}`;
  return `${ended(causeOf(error))} ${consequence}`.trim();
}

/**
 * Explains why an entry is in quarantine.
 *
 * @param {string} reason - `Bad request: …`, in the server's words, or `Bad luck: …`.
 */
export function explainRefusal(reason) {
  return /^Bad request: /.test(reason) ? saidIn(reason) : 'Requests with it fail, while others pass';
}

function causeOf({ name, message, status, isFull }) {
  switch (name) {
    case 'ConfigException':
      return `This page is not set up: ${message}`;
    case 'ValueException':
      return 'This value can’t be sent';
    case 'StorageException':
      return isFull
        ? 'This browser has no space left. Push the values that are committed, then try again'
        : 'This browser could not save the values. Fewer or shorter ones may fit';
    case 'GetException':
    case 'PushException':
      if (status === undefined) return 'The server can’t be reached';
      return status === 401 || status === 403
        ? `The server does not admit this page: ${saidIn(message)}`
        : saidIn(message);
    default:
      return 'This page has ended its work. Reload it';
  }
}

/** Without the library's prefix; a server that says nothing is quoted by its status. */
function saidIn(message) {
  const said = message.replace(/^Bad (luck|request): (.)/, (_, __, letter) => letter.toUpperCase());
  return /^\d+$/.test(said) ? `The server answered ${said}` : said;
}

const ended = (text) => (/[.!?]$/.test(text) ? text : `${text}.`);
