import { createCard } from './card.js';
import { byId, make } from './page.js';
import { seconds } from './text.js';
import { createView, SPANS } from './view.js';

/**
 * The cards of all fields, and the time that their charts show.
 *
 * @param {readonly object[]} fields
 * @param {{ hasHistory: boolean }} options - Whether points come from a history, and not from the values that are read.
 */
export function createCards(fields, { hasHistory }) {
  const view = createView(draw);
  const cards = new Map(fields.map((field) => [field.id, createCard(field, view)]));
  const each = (act) => {
    for (const card of cards.values()) isolated(card, act);
  };

  function draw() {
    const firsts = [...cards.values()].map(({ first }) => first).filter((time) => time !== undefined);
    view.tick(Math.min(seconds(), ...firsts));
    each((card) => card.tick());
    byId('zoom-out').hidden = !view.isZoomed;
  }

  makeSpans(view);
  byId('zoom-out').addEventListener('click', () => {
    view.zoomOut();
    // The button is gone.
    byId('spans').querySelector('input:checked').focus();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => each((card) => card.redraw()));

  return {
    tick: draw,
    show(readings) {
      const found = new Map(readings.map((one) => [one.fieldId, one]));
      for (const [id, card] of cards) {
        isolated(card, () => (found.has(id) ? card.show(found.get(id), { isPoint: !hasHistory }) : card.unknown()));
      }
      draw();
    },
    /** @param {readonly { id: string, time: number, value: unknown, isLate?: boolean }[]} points */
    addPoints(points) {
      for (const { id, time, value, isLate } of points) {
        if (cards.has(id)) isolated(cards.get(id), (card) => card.addPoint(time, value, isLate));
      }
      draw();
    },
    points: () => [...cards.values()].flatMap((card) => card.points().map(([time, value]) => [card.id, time, value])),
  };
}

/** A value that one card can't show keeps the others from nothing. */
function isolated(card, act) {
  try {
    act(card);
  } catch (error) {
    card.fail(error);
  }
}

function makeSpans(view) {
  const choices = SPANS.map((span, index) => {
    const input = make('input', '', { type: 'radio', name: 'span', defaultChecked: index === 0 });
    input.addEventListener('change', () => view.choose(span));
    return make('label', [input, make('span', span.name, { className: 'choice' })]);
  });
  byId('spans').append(...choices);
}
