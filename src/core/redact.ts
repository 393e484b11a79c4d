/** Takes the API key out of text that a server sent: it may send back what it got. */
export function redact(text: string, apiKey: string): string {
  return text.replaceAll(new RegExp(apiKey, 'gi'), '<API Key>');
}

/**
 * Whether text holds the API key, or so much of it that it must not be shown. The key may be mistyped, or have what
 * doesn't belong to it around it.
 */
export function holdsSecret(text: string, apiKey: unknown): boolean {
  if (typeof apiKey !== 'string') return false;
  const [hay, needle] = [text.toLowerCase(), apiKey.trim().toLowerCase()];
  for (let start = 0; start + TELLING <= needle.length; start++) {
    if (hay.includes(needle.slice(start, start + TELLING))) return true;
  }
  return needle !== '' && hay.includes(needle);
}

/** This many characters in common are no chance. */
const TELLING = 8;
