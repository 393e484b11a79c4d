/** The items of an iteration so far, and its end. */
export interface Following<Item> {
  readonly items: readonly Item[];
  /** `undefined` while it goes on. */
  readonly end: 'done' | { readonly thrown: unknown } | undefined;
}

/** Iterates in the background, to the end. */
export function follow<Item>(iterable: AsyncIterable<Item>): Following<Item> {
  const items: Item[] = [];
  const following = { items, end: undefined as Following<Item>['end'] };
  void (async () => {
    try {
      for await (const item of iterable) items.push(item);
      following.end = 'done';
    } catch (thrown) {
      following.end = { thrown };
    }
  })();
  return following;
}
