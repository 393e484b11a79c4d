/** A string, or a character that opens, ends or separates values. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]/gs;

/**
 * Cuts the items of an array out of a JSON text.
 *
 * @param text - A JSON object.
 * @param name - A property of the object whose value is an array. If it comes twice, the last one counts, as in `JSON.parse`.
 * @returns The text of each item.
 */
export function itemTexts(text: string, name: string): string[] {
  let items: string[] = [];
  let depth = 0;
  let key: string | undefined;
  let lastString = '';
  let start = -1;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    const isInArray = start >= 0;
    if (isInArray && depth === 2 && (token === ',' || token === ']')) {
      const item = text.slice(start, index).trim();
      if (item !== '') items.push(item);
      start = token === ',' ? index + 1 : -1;
    }
    if (token === '{' || token === '[') {
      depth += 1;
      if (depth === 2 && !isInArray && key === name) {
        items = [];
        start = token === '[' ? index + 1 : -1;
      }
    } else if (token === '}' || token === ']') depth -= 1;
    else if (depth === 1 && token === ':') key = JSON.parse(lastString) as string;
    else if (depth === 1 && token === ',') key = undefined;
    else if (depth === 1) lastString = token;
  }
  return items;
}
