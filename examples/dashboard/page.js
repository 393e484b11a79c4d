export const byId = (id) => document.getElementById(id);

/** Whatever a text contains, it is shown as text; and only a change is, as it may be read aloud. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @returns An element with a text in it, or with elements. */
export function make(name, content = '', properties = {}) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...[content].flat());
  return element;
}
