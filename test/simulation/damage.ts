import { idsOf } from './deletion.js';
import type { Inode } from './disk.js';
import type { Machine } from './machine.js';
import type { Damage } from './schedule.js';
import { readJournal } from './storage-contents.js';
import type { World } from './world.js';

/** Damages records of dead runs, or plants foreign ones. @returns Whether there were records to damage. */
export function damage(world: World, how: Damage, dice: number): boolean {
  // A run that is adopting may already have read the records.
  if (world.runs.some(({ isAdopting }) => isAdopting)) return false;
  const marker = `planted${world.markers.length}.`;
  return world.machine ? damageFile(world, world.machine, how, dice, marker) : damageItem(world, how, dice, marker);
}

function damageFile(world: World, machine: Machine, how: Damage, dice: number, marker: string): boolean {
  const { disk } = machine;
  if (how === 'foreign') {
    const names = [`notes${marker}`, `nikdev-iot-2_free_${marker}.journal`, `nikdev-iot-1_free_${marker}.journal`];
    disk.plant(names[dice % names.length] ?? '', marker);
    world.markers.push(marker);
    return true;
  }
  // A frozen process may have a file open that another process adopted: after its thaw it removes stored entries there.
  if (world.hosts.some(({ lifecycle }) => lifecycle.isFrozen)) return false;
  const files = [...disk.cached].filter(([name]) => name.endsWith('.journal') && !machine.isOwned(name));
  const [, inode] = files[dice % files.length] ?? [];
  if (inode === undefined) return false;
  if (how !== 'flip') {
    disk.syncFolder();
    append(inode, how === 'newer' ? `\n2 00000000 E ${marker}\n` : `\n${marker}\u0000\n`);
    world.markers.push(marker);
    return true;
  }
  disk.syncFolder();
  return flip(world, inode, dice);
}

function append(inode: Inode, text: string): void {
  inode.do({ at: inode.cached.length, bytes: Buffer.from(text) });
  inode.persist();
}

/** Flips a bit of a record. Its contents are lost, and its bytes must stay. */
function flip(world: World, inode: Inode, dice: number): boolean {
  const { records, entries } = readJournal(inode.cached);
  const line = records[dice % records.length];
  if (line === undefined) return false;
  const bytes = inode.cached.view();
  const record = Buffer.from(line);
  const at = bytes.indexOf(record);
  const place = dice % record.length;
  const flipped = (record[place] ?? 0) ^ (1 << (dice % 7));
  // A newline would split the record; and the character behind the checksum is not covered by it.
  if (flipped === 10 || place === 10) return false;
  record[place] = flipped;
  inode.do({ at: at + place, bytes: record.subarray(place, place + 1) });
  inode.persist();
  const [, , kind, writer, sequence] = line.split(' ');
  for (const id of entries.keys())
    if (kind === 'W' ? id.startsWith(`${writer}-`) : id === `${writer}-${sequence}`) exemptDamaged(world, id);
  // The removed entries may have been moved to another file.
  world.mayBeDuplicated ||= kind === 'R';
  world.markers.push(record);
  world.isDamaged = true;
  return true;
}

function damageItem(world: World, how: Damage, dice: number, marker: string): boolean {
  const origin = world.origin as NonNullable<typeof world.origin>;
  if (how === 'foreign') {
    const keys = ['', 'nikdev-iot', 'nikdev-iot/2/abcdefgh12345678/1', 'nikdev-iot/1/short/1'];
    origin.plant(`${keys[dice % keys.length]}${marker}`, marker);
    world.markers.push(marker);
    return true;
  }
  const held = new Set(world.runs.flatMap(idsOf));
  // Not the entries that a living run still has to remove.
  const wanted = Array.from(world.model.required, ({ id }) => id ?? '');
  const orphaned = wanted.filter((id) => !held.has(id));
  const id = orphaned[dice % orphaned.length];
  if (id === undefined) return false;
  const [writer, sequence] = id.split('-');
  if (how !== 'flip') {
    const value = how === 'newer' ? `{"version":2,"timestamp":1,"values":[{"${marker}":1}]}` : marker;
    origin.plant(`nikdev-iot/1/${writer}/${800_000 + world.markers.length}`, value);
    world.markers.push(marker);
    return true;
  }
  const key = `nikdev-iot/1/${writer}/${sequence}`;
  const torn = (origin.items.get(key) ?? '').slice(0, -3);
  origin.set(key, torn);
  exemptDamaged(world, id);
  world.markers.push(torn);
  return true;
}

function exemptDamaged({ model }: World, id: string): void {
  const commit = model.byId(id);
  if (commit) model.exempt(commit, 'damaged');
}
