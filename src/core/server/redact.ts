/** Takes the API key out of text that a server sent: it may send back what it got. */
export function redact(text: string, apiKey: string): string {
  return text.replaceAll(new RegExp(apiKey, 'gi'), '<API Key>');
}
