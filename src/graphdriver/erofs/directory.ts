import { S_IFMT } from '../tree/file-types.ts';
import type { DirectoryNode, LayerNode } from '../tree/layer-node.ts';
import { BLOCK, DIRENT_SIZE, DIRENT_TYPE } from './format.ts';

/** A directory's entries, sorted, and how they are cut into blocks. */
export interface DirectoryPlan {
  directory: DirectoryNode;
  parent: DirectoryNode;
  names: string[];
  /** Index of the first entry of each block. */
  blocks: number[];
  /** Bytes: whole blocks and then what the last one uses. */
  size: number;
}

/**
 * Sorts a directory by byte value, `.` and `..` included, and fills blocks: entries never cross one. Names are latin1
 * strings, so comparing them compares bytes.
 */
export function planDirectory(directory: DirectoryNode, parent: DirectoryNode): DirectoryPlan {
  const names = [...directory.children.keys(), '.', '..'].sort((a, b) => (a < b ? -1 : 1));
  const blocks = [0];
  let used = 0;
  for (let index = 0; index < names.length; index++) {
    const need = DIRENT_SIZE + names[index]!.length;
    if (used + need > BLOCK) {
      blocks.push(index);
      used = 0;
    }
    used += need;
  }
  return { directory, parent, names, blocks, size: (blocks.length - 1) * BLOCK + used };
}

/** What a name of the directory stands for. */
export function entryOf({ directory, parent }: DirectoryPlan, name: string): LayerNode {
  return name === '.' ? directory : name === '..' ? parent : directory.children.get(name)!;
}

/** Writes one block: first all entries (nid, name's offset, type), then all names without separators. */
export function writeDirectoryBlock(
  plan: DirectoryPlan,
  block: number,
  out: Buffer,
  offset: number,
  nidOf: (node: LayerNode) => number,
): void {
  const first = plan.blocks[block]!;
  const end = plan.blocks[block + 1] ?? plan.names.length;
  let nameOffset = (end - first) * DIRENT_SIZE;
  for (let index = first; index < end; index++) {
    const entry = offset + (index - first) * DIRENT_SIZE;
    const name = plan.names[index]!;
    const node = entryOf(plan, name);
    out.writeUIntLE(nidOf(node), entry, 6);
    out.writeUInt16LE(nameOffset, entry + 8);
    out[entry + 10] = DIRENT_TYPE[node.mode & S_IFMT]!;
    nameOffset += out.write(name, offset + nameOffset, 'latin1');
  }
}
