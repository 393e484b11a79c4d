/**
 * A failure in words for somebody who looks at the page, and can't change its program or its server.
 *
 * @param {unknown} error
 * @param {string} [consequence] - The consequence for the data.
 */
export function explain(error, consequence = '') {
  const { isApiException } = window.NikDevIoT;
  if (!isApiException(error)) return `The page failed: ${error}`;
  return `${ended(reasonOf(error))} ${consequence}`.trim();
}

function reasonOf({ name, message, status }) {
  if (name === 'ConfigException') return `This page is not set up: ${message}`;
  if (name !== 'GetException' && name !== 'PushException') return message;
  if (status === undefined) return 'The server can’t be reached';
  const said = message.replace(/^Bad (luck|request): (.)/, (_, __, letter) => letter.toUpperCase());
  return status === 401 || status === 403 ? `The server does not admit this page: ${said}` : said;
}

const ended = (text) => (/[.!?]$/.test(text) ? text : `${text}.`);
