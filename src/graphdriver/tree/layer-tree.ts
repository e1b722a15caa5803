import { posix } from 'node:path';
import type { TarEntry, TarType } from '#archive/tar-entry.ts';
import type { Refuse } from '#archive/tar-fields.ts';
import { quote } from '#archive/tar-sequence.ts';
import { invalid } from '#errors/errors.ts';
import { inheritAcl } from './acl.ts';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_ISGID } from './file-types.ts';
import {
  isDirectory,
  isSymlink,
  isWhiteout,
  type LayerNode,
  makeDirectory,
  makeNode,
  makeWhiteout,
} from './layer-node.ts';
import { cleanPath, leadsOut, MAX_NAME, MAX_PATH, type Walked, walk } from './layer-paths.ts';
import { fileTime, type LayerTime, symlinkTime } from './layer-time.ts';
import type { NodeId, NodeStore } from './node-store.ts';

/** The most inodes a layer may have; each costs some 10 bytes of memory while the index is made. */
export const MAX_NODES = 4_000_000;

const OPAQUE = '.wh..wh..opq';
const DUPLICATE = 'duplicates of file paths not supported';

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
 * are root's and 0755, symlinks in a path are followed inside the layer, whiteouts become overlay's own.
 */
export class LayerTree {
  readonly store: NodeStore;
  readonly root: NodeId;
  /** Which of several tars this is. */
  readonly #source: number;
  #nodes = 1;
  /** Names that were reached by a path which is not their own, by directory; rare. */
  readonly #indirect = new Map<NodeId, Set<string>>();
  /** Those paths. */
  readonly #detours = new Set<string>();
  /** The folder of the last entry, as it was written and where that led to: most layers hold files of a folder in a row. */
  #lastFolder: { text: string; at: Walked } | undefined;
  /** Directories in whose place something else was put; rare. */
  readonly #replaced: { parent: NodeId; name: string; time: LayerTime }[] = [];

  constructor(store: NodeStore, source = 0) {
    this.store = store;
    this.#source = source;
    this.root = store.add(makeDirectory());
  }

  /** Takes the next entry. Throws `invalid`, naming entry and offset, for what dockerd could not extract either. */
  add(entry: TarEntry): void {
    const refuse: Refuse = (problem) =>
      invalid(`tar entry ${quote(entry.name)} at offset ${entry.headerOffset}: ${problem}`, { code: 'LAYER_INVALID' });
    const { folder, base } = splitName(entry.name);
    if (this.#lastFolder?.text === folder && isPlain(base) && entry.name.length < MAX_PATH) {
      this.#addNode(this.#lastFolder.at, base, entry, refuse);
      return;
    }
    const path = cleanPath(entry.name, refuse);
    const name = path.pop();
    if (name === undefined) {
      if (entry.type === 'directory') this.#describe(this.root, entry);
      return;
    }
    if (name === OPAQUE && this.#isLeaf(path, refuse)) return;
    const makeParent = (above: NodeId) => this.#addToStore(makeImplied(this.store.get(above), entry), refuse);
    const parent = walk(this.store, this.root, path, refuse, makeParent);
    if (!parent) throw refuse('its directory is a symbolic link that leads nowhere');
    if (name === base) this.#lastFolder = { text: folder, at: parent };
    if (name.startsWith('.wh.')) this.#addWhiteout(parent.directory, name, entry, refuse);
    else this.#addNode(parent, name, entry, refuse);
  }

  /** To be called after the last entry. */
  end(): void {
    // The times of directories are set last, by their names, whatever these stand for by then.
    for (const { parent, name, time } of this.#replaced) {
      const id = this.store.find(parent, name);
      if (id === undefined) continue;
      const node = this.store.get(id);
      if (!isDirectory(node) && !isSymlink(node)) this.store.set(id, { ...node, ...time });
    }
    const root = this.store.get(this.root);
    if (!root.implied) return;
    for (const entry of this.store.entries(this.root)) {
      const { mtime } = this.store.get(this.store.nodeOf(entry));
      if (mtime > root.mtime) root.mtime = mtime;
    }
    this.store.set(this.root, root);
  }

  /** A mark of opacity on something that is no directory says nothing. */
  #isLeaf(path: readonly string[], refuse: Refuse): boolean {
    const above = walk(this.store, this.root, path.slice(0, -1), refuse);
    const id = above && this.store.find(above.directory, path.at(-1) ?? '');
    if (id === undefined) return false;
    const mode = this.store.modeOf(id);
    return !isDirectory({ mode }) && !isSymlink({ mode });
  }

  #addWhiteout(parent: NodeId, name: string, entry: TarEntry, refuse: Refuse): void {
    if (name === OPAQUE) {
      // The roots of layers are always merged: overlayfs does not look for the mark on them.
      this.store.set(parent, { ...this.store.get(parent), opaque: parent !== this.root });
      return;
    }
    const hidden = name.slice('.wh.'.length);
    if (hidden === '' || hidden === '.' || hidden === '..') throw refuse('a whiteout of no name');
    if (this.store.find(parent, hidden) !== undefined) throw refuse('a whiteout of a name that this same layer holds');
    this.store.link(parent, hidden, this.#addToStore({ ...makeWhiteout(), ...fileTime(entry) }, refuse));
  }

  #addNode({ directory, direct }: Walked, name: string, entry: TarEntry, refuse: Refuse): void {
    const { store } = this;
    const id = store.find(directory, name);
    const existing = id === undefined ? undefined : store.get(id);
    if (!direct || leadsOut(entry.name)) this.#noteDetour(directory, name, entry, refuse);
    else if (existing) this.#refuseDuplicate(directory, name, existing, entry, refuse);
    if (entry.type === 'directory' && existing && isDirectory(existing)) {
      this.#describe(id!, entry);
      return;
    }
    if (existing && isDirectory(existing) && !existing.implied) {
      const { mtime, mtimeNs } = existing;
      this.#replaced.push({ parent: directory, name, time: { mtime, mtimeNs } });
    }
    if (existing) this.#remove(directory, name, existing);
    if (entry.type === 'link') {
      const target = this.#linkTarget(entry, refuse);
      this.#describe(target, entry);
      store.link(directory, name, target);
      return;
    }
    const node = makeTyped(entry, entry.type, refuse);
    if (entry.type === 'file') node.source = this.#source;
    inheritAcl(store.xattrsOf(directory), node);
    describe(node, entry);
    store.link(directory, name, this.#addToStore(node, refuse));
  }

  #remove(directory: NodeId, name: string, existing: LayerNode): void {
    this.store.unlink(directory, name);
    // Nothing else can be part of a path.
    if (isDirectory(existing) || isSymlink(existing)) this.#lastFolder = undefined;
  }

  /** Docker's layer store takes each path once, but the same place by other paths: through a symlink, from `/`, by `..`. */
  #refuseDuplicate(directory: NodeId, name: string, existing: LayerNode, entry: TarEntry, refuse: Refuse): void {
    const itself = entry.type === 'link' && cleanPath(entry.linkName, refuse).join('/') === cleanPath(entry.name, refuse).join('/'); // biome-ignore format: one line
    const again = !isWhiteout(existing) && !existing.implied && !itself;
    if (again && !this.#indirect.get(directory)?.has(name)) throw refuse(DUPLICATE);
  }

  #noteDetour(directory: NodeId, name: string, entry: TarEntry, refuse: Refuse): void {
    const path = posix.join(entry.name, '.');
    if (this.#detours.has(path)) throw refuse(DUPLICATE);
    if (this.#detours.size >= MAX_NODES) throw refuse(`a layer of more than ${MAX_NODES} files and directories`);
    this.#detours.add(path);
    const names = this.#indirect.get(directory) ?? new Set();
    this.#indirect.set(directory, names.add(name));
  }

  #linkTarget(entry: TarEntry, refuse: Refuse): NodeId {
    const path = cleanPath(entry.linkName, refuse);
    const name = path.pop();
    const above = name === undefined ? undefined : walk(this.store, this.root, path, refuse);
    const target = name === undefined ? this.root : above && this.store.find(above.directory, name);
    if (target === undefined) throw refuse(`its hard link's target ${quote(entry.linkName)} is not in this layer`);
    if (this.store.isDirectory(target)) {
      throw refuse(`its hard link's target ${quote(entry.linkName)} is a directory`);
    }
    return target;
  }

  #describe(id: NodeId, entry: TarEntry): void {
    const node = this.store.get(id);
    describe(node, entry);
    this.store.set(id, node);
  }

  #addToStore(node: LayerNode, refuse: Refuse): NodeId {
    if (++this.#nodes > MAX_NODES) throw refuse(`a layer of more than ${MAX_NODES} files and directories`);
    return this.store.add(node);
  }
}

/** Without the slash at the end that the names of directories have. */
function splitName(name: string): { folder: string; base: string } {
  const end = name.endsWith('/') ? name.length - 1 : name.length;
  const slash = name.lastIndexOf('/', end - 1);
  return { folder: name.slice(0, slash + 1), base: name.slice(slash + 1, end) };
}

/** A name that stands for itself, and for nothing more. */
function isPlain(base: string): boolean {
  return base !== '' && base !== '.' && base !== '..' && base.length <= MAX_NAME && !base.startsWith('.wh.');
}

/** A directory that only the path of `entry` speaks of; like mkdir(2), it inherits from the one above. */
function makeImplied(above: LayerNode, entry: TarEntry): LayerNode {
  const directory = makeDirectory(fileTime(entry));
  const permissions = inheritAcl(above.xattrs, directory);
  // Where the kernel made it with less than 0755, dockerd calls chmod(2), which takes the bit away again.
  if (permissions === 0o755) directory.mode |= above.mode & S_ISGID;
  return directory;
}

function makeTyped(entry: TarEntry, type: Exclude<TarType, 'link'>, refuse: Refuse): LayerNode {
  if (type === 'directory') return makeDirectory();
  const node = makeNode(modes[type]);
  if (type === 'file') {
    node.size = entry.size;
    node.dataOffset = entry.dataOffset;
    if (entry.segments) node.segments = entry.segments;
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
function describe(node: LayerNode, entry: TarEntry): void {
  node.implied = false;
  node.headerOffset = entry.headerOffset;
  node.uid = ownerId(entry.uid);
  node.gid = ownerId(entry.gid);
  if (entry.xattrs) node.xattrs = new Map([...(node.xattrs ?? []), ...entry.xattrs]);
  if (isSymlink(node)) {
    node.mode = S_IFLNK | 0o777;
    if (entry.type === 'link') return;
  } else {
    node.mode = (node.mode & S_IFMT) | entry.mode;
  }
  Object.assign(node, isSymlink(node) ? symlinkTime(entry) : fileTime(entry));
}

/** What chown(2) makes of an id: 32 bits of it, and -1 means "leave it", which is root. */
function ownerId(id: number): number {
  const bits = id >>> 0;
  return bits === 0xffffffff ? 0 : bits;
}

/** The kernel's new_encode_dev: 12 bits of major, 20 of minor. */
function encodeDevice(major: number, minor: number, refuse: Refuse): number {
  if (major < 0 || major > 0xfff || minor < 0 || minor > 0xfffff) {
    throw refuse(`the device number ${major}:${minor} is out of range`);
  }
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
}
