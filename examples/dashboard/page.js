export const byId = (id) => document.getElementById(id);

/** Shows a text as text, never as markup; an unchanged one is not set again, as screen readers may read it aloud. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @returns An element with a text in it, or with elements. */
export function make(name, content = '', properties = {}) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...[content].flat());
  return element;
}
