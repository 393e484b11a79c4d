import { make } from './page.js';
import { clockTime } from './text.js';

/** How many earlier texts are shown. */
const PAST = 4;

/** The earlier texts of a field, the newest first. */
export function createPast(list) {
  const texts = [];
  return {
    /** A text that is met again and again, at times a second apart, is kept once. */
    add(time, text) {
      if (texts[0]?.text === text) return;
      texts.unshift({ time, text });
      texts.length = Math.min(texts.length, PAST + 1);
    },
    /** @param {string} current - Stands above the list. */
    show(current) {
      const earlier = texts.slice(texts[0]?.text === current ? 1 : 0, PAST + 1);
      list.replaceChildren(...earlier.map(itemOf));
    },
  };
}

const itemOf = ({ time, text }) => make('li', [make('time', clockTime(time)), make('span', text)]);
