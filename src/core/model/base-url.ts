// Only these members of the platform's URL are used.
declare const URL: new (
  url: string,
) => Readonly<Record<'protocol' | 'username' | 'password' | 'hostname' | 'href', string>>;

/** Whether an input is an http or https URL without user name, password, query and fragment. */
export function isServerUrl(input: unknown): boolean {
  try {
    const { protocol, username, password, href } = new URL(input as string);
    const isPlain = username === '' && password === '' && !/[?#]/.test(href);
    return typeof input === 'string' && (protocol === 'http:' || protocol === 'https:') && isPlain;
  } catch {
    return false;
  }
}

/** A loop, as a regular expression would take quadratic time. */
export function normalizedUrl(given: string): string {
  const url = new URL(given).href;
  let end = url.length;
  while (url[end - 1] === '/') end -= 1;
  return `${url.slice(0, end)}/`;
}

/** Hostnames as `URL` normalizes them: 127.0.0.1 mapped to IPv6 is `::ffff:7f00:1`. Node asks the DNS for `x.localhost`. */
const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\]|\[::ffff:7f[\da-f]{2}:[\da-f]{1,4}\])$/;

/** Whether requests to `baseUrl`, and the API key in them, cross a network unencrypted. */
export function isInsecure(baseUrl: string): boolean {
  const { protocol, hostname } = new URL(baseUrl);
  return protocol === 'http:' && !LOOPBACK.test(hostname);
}

/** Whether a text may hold a user name or password. */
export function hasUserInfo(text: string): boolean {
  try {
    const { username, password } = new URL(text);
    return username !== '' || password !== '';
  } catch {
    return text.includes('@');
  }
}
