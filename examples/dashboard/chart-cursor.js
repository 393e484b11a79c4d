import { make, setText } from './page.js';
import { clockTime } from './text.js';

/** The distance in pixels from which on a point is not meant by the cursor. */
const FAR = 40;

/** Shows the point at the cursor, which may be that of another chart. */
export function addTooltip(plot, describe) {
  const value = make('strong');
  const time = make('span');
  const tooltip = make('div', [value, time], { className: 'tooltip', hidden: true });
  plot.over.append(tooltip);
  plot.hooks.setCursor = [
    () => {
      const { idx, left } = plot.cursor;
      const [times, values, late] = plot.data;
      const position = plot.valToPos(times[idx] ?? 0, 'x');
      tooltip.hidden = left < 0 || values[idx] == null || Math.abs(position - left) > FAR;
      if (tooltip.hidden) return;
      setText(value, describe(values[idx]));
      setText(time, `${clockTime(times[idx])}${late[idx] == null ? '' : ', arrived late'}`);
      place(tooltip, position, plot.over.clientWidth);
    },
  ];
}

function place(tooltip, left, width) {
  const isRight = left > width / 2;
  tooltip.classList.toggle('left', isRight);
  tooltip.style.left = isRight ? 'auto' : `${left}px`;
  tooltip.style.right = isRight ? `${width - left}px` : 'auto';
}

/** Arrow keys move the cursor from point to point, + zooms in, and − and Escape zoom out. */
export function listenToKeys(element, plot, view) {
  const moveTo = (index) => {
    const [times] = plot.data;
    const [from, to] = view.range();
    const time = times[index];
    if (time === undefined || time < from || time > to) return;
    plot.setCursor({ left: plot.valToPos(time, 'x'), top: 0 }, true, true);
  };
  const last = () => plot.data[0].length - 1;
  const current = () => (plot.cursor.left >= 0 ? plot.cursor.idx : undefined);
  const KEYS = {
    ArrowLeft: () => moveTo((current() ?? last() + 1) - 1),
    ArrowRight: () => moveTo((current() ?? last() - 1) + 1),
    '+': () => view.zoomIn(plot.data[0][current() ?? last()]),
    '-': view.zoomOut,
    Escape: view.zoomOut,
  };
  element.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(KEYS, event.key)) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  element.addEventListener('blur', () => plot.setCursor({ left: -10, top: -10 }, true, true));
}
