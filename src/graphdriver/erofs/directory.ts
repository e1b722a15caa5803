import { S_IFMT } from '../tree/file-types.ts';
import { note } from '../tree/node-record.ts';
import type { EntryId, NodeId, NodeStore } from '../tree/node-store.ts';
import { BLOCK, DIRENT_SIZE, DIRENT_TYPE } from './format.ts';

/** Entries of a directory, sorted by byte value, `.` and `..` among them. They fill blocks: none crosses one. */
export type SortedEntries = Uint32Array;

/** Bytes of a directory with all these entries: whole blocks and then what the last one uses. */
export function directorySize(store: NodeStore, entries: SortedEntries): number {
  let size = 0;
  for (const entry of entries) {
    const need = DIRENT_SIZE + store.nameLength(entry);
    if ((size % BLOCK) + need > BLOCK) size = Math.ceil(size / BLOCK) * BLOCK;
    size += need;
  }
  return size;
}

/** Cuts a directory's entries into blocks. */
export function* blocksOf(store: NodeStore, entries: SortedEntries): Generator<SortedEntries, void, void> {
  let first = 0;
  let used = 0;
  for (let index = 0; index < entries.length; index++) {
    const need = DIRENT_SIZE + store.nameLength(entries[index]!);
    if (used + need > BLOCK) {
      yield entries.subarray(first, index);
      first = index;
      used = 0;
    }
    used += need;
  }
  yield entries.subarray(first);
}

/** Writes one block: first all entries (nid, name's offset, type), then all names without separators. */
export function writeDirectoryBlock(
  store: NodeStore,
  entries: SortedEntries,
  out: Buffer,
  offset: number,
  nodeOf: (entry: EntryId) => NodeId,
): void {
  let nameOffset = entries.length * DIRENT_SIZE;
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index]!;
    const at = offset + index * DIRENT_SIZE;
    const node = nodeOf(entry);
    out.writeUIntLE(store.noteOf(node, note.place), at, 6);
    out.writeUInt16LE(nameOffset, at + 8);
    out[at + 10] = DIRENT_TYPE[store.modeOf(node) & S_IFMT]!;
    nameOffset += store.copyName(entry, out, offset + nameOffset);
  }
}
