import { type Binding, bindingKey } from '../core/binding.js';
import type { StoredEntry } from '../core/entry.js';
import type { Value } from '../core/value.js';
import type { Journal } from './file-journal.js';
import type { Contents, Shelf } from './file-record.js';

/** A dead writer in a journal that this process owns, not yet handed to a living one. */
interface Orphan {
  readonly writer: string;
  readonly binding: Binding;
  readonly journal: Journal;
  readonly shelf: Shelf;
}

/** The dead writers in the journals of one store, and who of the living has their entries. */
export class FileOrphans {
  readonly #byBinding = new Map<string, Orphan[]>();
  /** What living writers have of dead ones, by the living one's id; each a dead one's id and the file. */
  readonly #adopted = new Map<string, string[]>();
  /** All of those. */
  readonly #taken = new Set<string>();

  /** Makes orphans of the writers in a journal that are neither living nor adopted. */
  add(journal: Journal, { shelves }: Contents, living: ReadonlySet<string>): void {
    for (const [writer, shelf] of shelves) {
      const { binding, entries, staged } = shelf;
      if (binding === undefined || living.has(writer) || this.isAdopted(writer, journal)) continue;
      if (entries.size === 0 && staged === undefined) continue;
      const orphans = this.#byBinding.get(bindingKey(binding)) ?? [];
      orphans.push({ writer, binding, journal, shelf });
      this.#byBinding.set(bindingKey(binding), orphans);
    }
  }

  /** Gives a living writer the entries of all orphans of its binding; at its start, the latest staged values too. */
  handOut(id: string, binding: Binding, atStart: boolean): { entries: StoredEntry[]; staged: readonly Value[] } {
    const entries = new Map<string, ReadonlyMap<number, StoredEntry>>();
    const staged: { readonly run: number; readonly values: readonly Value[] }[] = [];
    const left: Orphan[] = [];
    const adopted: string[] = [];
    for (const orphan of this.#byBinding.get(bindingKey(binding)) ?? []) {
      const { writer, journal, shelf } = orphan;
      if (shelf.staged && atStart && forgetStaged(journal, writer, binding, shelf.staged.run))
        staged.push(shelf.staged);
      else if (shelf.staged) left.push({ ...orphan, shelf: { ...shelf, entries: new Map() } });
      if (shelf.entries.size === 0) continue;
      adopted.push(`${writer} ${journal.file}`);
      const others = entries.get(writer);
      // One writer's can stand in two files, where a disk failed; the same entry too.
      entries.set(writer, others ? inOrder(new Map([...others, ...shelf.entries])) : shelf.entries);
    }
    this.#byBinding.set(bindingKey(binding), left);
    for (const one of adopted) this.#taken.add(one);
    this.#adopted.set(id, [...(this.#adopted.get(id) ?? []), ...adopted]);
    const [latest] = staged.sort((one, other) => other.run - one.run);
    return {
      entries: [...entries.values()].flatMap((ofWriter) => [...ofWriter.values()]),
      staged: latest?.values ?? [],
    };
  }

  /** A living writer was closed: what it had adopted is nobody's. */
  release(id: string): void {
    for (const one of this.#adopted.get(id) ?? []) this.#taken.delete(one);
    this.#adopted.delete(id);
  }

  /** Whether a living writer has what a journal holds of this dead one. */
  isAdopted(writer: string, { file }: Journal): boolean {
    return this.#taken.has(`${writer} ${file}`);
  }

  /** Whether there are orphans with entries in a journal whose binding is served. */
  areIn(journal: Journal, isServed: (key: string) => boolean): boolean {
    for (const [key, orphans] of this.#byBinding) {
      if (!isServed(key)) continue;
      if (orphans.some((orphan) => orphan.journal === journal && orphan.shelf.entries.size > 0)) return true;
    }
    return false;
  }

  /** Forgets the orphans of a journal, or all. */
  forget(journal?: Journal): void {
    if (journal === undefined) this.#byBinding.clear();
    for (const [key, orphans] of this.#byBinding) {
      const others = orphans.filter((orphan) => orphan.journal !== journal);
      if (others.length < orphans.length) this.#byBinding.set(key, others);
    }
  }
}

function inOrder(entries: ReadonlyMap<number, StoredEntry>): Map<number, StoredEntry> {
  return new Map([...entries].sort(([one], [other]) => one - other));
}

/** Forgotten before they are staged again: lost by a crash in between, but never there twice. @returns Whether it could be. */
function forgetStaged(journal: Journal, writer: string, binding: Binding, run: number): boolean {
  try {
    journal.forgetStaged(writer, binding, run);
    return true;
  } catch {
    return false;
  }
}
