import type { WriterLog } from './journal/contents.js';
import type { Journal } from './journal/journal.js';
import type { OpenWriter } from './open-writers.js';
import { type Orphans, removeStaged } from './ownership/orphans.js';

/** A journal that another process has taken over. */
interface TakenJournal {
  readonly journal: Journal;
  /** The writers of which it held something. */
  readonly held: ReadonlySet<string>;
  /** What it holds by now. */
  readonly logs: ReadonlyMap<string, WriterLog>;
}

/** Notes for a writer what another process has of it. @returns Whether that has entries under the writer's own id. */
export function fence(openWriter: OpenWriter, { journal, held, logs }: TakenJournal, orphans: Orphans): boolean {
  const { id, binding, fenced } = openWriter;
  const writers = new Set(orphans.adoptedBy(id, journal));
  const isOwn = held.has(id);
  if (isOwn) writers.add(id);
  if (writers.size === 0) return false;
  const staged = logs.get(id)?.staged;
  // They are staged here still, and must not come back elsewhere; where they can't be forgotten, they will.
  const isForgotten = staged !== undefined && removeStaged(journal, id, binding, staged.run);
  openWriter.fenced = {
    writers: new Set([...(fenced?.writers ?? []), ...writers]),
    isStagedTaken: (fenced?.isStagedTaken ?? false) || (isOwn && openWriter.hasStaged && !isForgotten),
  };
  return isOwn;
}
