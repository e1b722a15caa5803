import type { TarEntry, TarType } from '#archive/tar-entry.ts';
import type { Refuse } from '#archive/tar-fields.ts';
import { quote } from '#archive/tar-sequence.ts';
import { invalid } from '#errors/errors.ts';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG } from './format.ts';
import {
  type DirectoryNode,
  isDirectory,
  isSymlink,
  isWhiteout,
  type LayerNode,
  makeDirectory,
  makeNode,
  makeWhiteout,
} from './layer-node.ts';
import { cleanPath, MAX_PATH, walk } from './layer-paths.ts';

/** The most inodes a layer may have; each costs some 300 bytes of memory while the index is made. */
export const MAX_NODES = 4_000_000;

const modes: Record<Exclude<TarType, 'link'>, number> = {
  file: S_IFREG,
  directory: S_IFDIR,
  symlink: S_IFLNK,
  character: S_IFCHR,
  block: S_IFBLK,
  fifo: S_IFIFO,
};

/**
 * The tree that a layer's tar stands for, built entry by entry. The meaning of every sequence of entries is what
 * dockerd's extraction (moby `pkg/archive`, OverlayWhiteoutFormat) would leave on disk: parents that no entry describes
 * are root's and 0755, later entries replace earlier ones, directories merge, whiteouts become overlay's own.
 */
export class LayerTree {
  readonly root = makeDirectory();
  #rootIsImplied = true;
  #nodes = 1;

  /** Takes the next entry. Throws `invalid`, naming entry and offset, for what dockerd could not extract either. */
  add(entry: TarEntry): void {
    const refuse: Refuse = (problem) =>
      invalid(`tar entry ${quote(entry.name)} at offset ${entry.headerOffset}: ${problem}`, { code: 'LAYER_INVALID' });
    const path = cleanPath(entry.name, refuse);
    if (path.some(isAufsMetadata)) return;
    const name = path.pop();
    if (name === undefined) {
      if (entry.type === 'directory') this.#describeRoot(entry, refuse);
      return;
    }
    const parent = walk(this.root, path, refuse, () =>
      this.#countNode(makeDirectory(entry.mtime, entry.mtimeNs), refuse),
    );
    if (!parent) throw refuse('its directory is a symbolic link that leads nowhere');
    if (name.startsWith('.wh.')) this.#addWhiteout(parent, name, entry, refuse);
    else this.#addNode(parent, name, entry, refuse);
  }

  /** To be called after the last entry. */
  end(): void {
    if (!this.#rootIsImplied) return;
    for (const child of this.root.children.values()) {
      if (child.mtime > this.root.mtime) this.root.mtime = child.mtime;
    }
  }

  #describeRoot(entry: TarEntry, refuse: Refuse): void {
    this.#rootIsImplied = false;
    describe(this.root, entry, refuse);
  }

  #addWhiteout(parent: DirectoryNode, name: string, entry: TarEntry, refuse: Refuse): void {
    if (name === '.wh..wh..opq') {
      parent.opaque = true;
      return;
    }
    const hidden = name.slice('.wh.'.length);
    if (hidden === '' || hidden === '.' || hidden === '..') throw refuse('a whiteout of no name');
    if (parent.children.has(hidden)) throw refuse('a whiteout of a name that this same layer holds');
    const whiteout = this.#countNode(makeWhiteout(), refuse);
    whiteout.mtime = entry.mtime;
    whiteout.mtimeNs = entry.mtimeNs;
    parent.children.set(hidden, whiteout);
  }

  #addNode(parent: DirectoryNode, name: string, entry: TarEntry, refuse: Refuse): void {
    const existing = parent.children.get(name);
    if (entry.type === 'directory' && existing && isDirectory(existing)) {
      describe(existing, entry, refuse);
      return;
    }
    parent.children.delete(name);
    if (entry.type === 'link') {
      const target = this.#linkTarget(entry, refuse);
      describe(target, entry, refuse);
      parent.children.set(name, target);
      return;
    }
    const node = this.#countNode(makeTyped(entry, entry.type, refuse), refuse);
    describe(node, entry, refuse);
    // Whoever deletes a directory of a lower layer and makes a new one must not see the old one's files again.
    if (existing && isWhiteout(existing)) node.opaque = isDirectory(node);
    parent.children.set(name, node);
  }

  #linkTarget(entry: TarEntry, refuse: Refuse): LayerNode {
    const path = cleanPath(entry.linkName, refuse);
    const name = path.pop();
    const target = name === undefined ? this.root : walk(this.root, path, refuse)?.children.get(name);
    if (!target) throw refuse(`its hard link's target ${quote(entry.linkName)} is not in this layer`);
    if (isDirectory(target)) throw refuse(`its hard link's target ${quote(entry.linkName)} is a directory`);
    return target;
  }

  #countNode<T extends LayerNode>(node: T, refuse: Refuse): T {
    if (++this.#nodes > MAX_NODES) throw refuse(`a layer of more than ${MAX_NODES} files and directories`);
    return node;
  }
}

/** What AUFS kept beside its data (`.wh..wh.plnk`, `.wh..wh.orph`, `.wh..wh.aufs`) was never part of an image. */
function isAufsMetadata(component: string): boolean {
  return component.startsWith('.wh..wh.') && component !== '.wh..wh..opq';
}

function makeTyped(entry: TarEntry, type: Exclude<TarType, 'link'>, refuse: Refuse): LayerNode {
  if (type === 'directory') return makeDirectory();
  const node = makeNode(modes[type]);
  if (type === 'file') {
    node.size = entry.size;
    node.dataOffset = entry.dataOffset;
    node.segments = entry.segments;
  } else if (type === 'symlink') {
    if (entry.linkName === '') throw refuse('a symbolic link without a target');
    if (entry.linkName.length > MAX_PATH) throw refuse(`a symbolic link's target is longer than ${MAX_PATH} bytes`);
    node.target = entry.linkName;
  } else if (type !== 'fifo') {
    node.rdev = encodeDevice(entry.deviceMajor, entry.deviceMinor, refuse);
  }
  return node;
}

/** Gives a node the entry's owner, permissions, time and extended attributes; the last entry's win. */
function describe(node: LayerNode, entry: TarEntry, refuse: Refuse): void {
  node.uid = checkId('user', entry.uid, refuse);
  node.gid = checkId('group', entry.gid, refuse);
  if (entry.xattrs) node.xattrs = new Map([...(node.xattrs ?? []), ...entry.xattrs]);
  if (isSymlink(node)) {
    node.mode = S_IFLNK | 0o777;
    if (entry.type === 'link') return;
  } else {
    node.mode = (node.mode & S_IFMT) | entry.mode;
  }
  node.mtime = entry.mtime;
  node.mtimeNs = entry.mtimeNs;
}

/** 2^32 - 1 means "no id" to the kernel. */
function checkId(whose: string, id: number, refuse: Refuse): number {
  if (id < 0 || id >= 0xffffffff) throw refuse(`the ${whose} id ${id} is out of range`);
  return id;
}

/** The kernel's new_encode_dev: 12 bits of major, 20 of minor. */
function encodeDevice(major: number, minor: number, refuse: Refuse): number {
  if (major < 0 || major > 0xfff || minor < 0 || minor > 0xfffff) {
    throw refuse(`the device number ${major}:${minor} is out of range`);
  }
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
}
