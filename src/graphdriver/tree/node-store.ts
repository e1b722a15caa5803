import type { Page } from '#lib/paged-bytes.ts';
import { S_IFDIR, S_IFMT } from './file-types.ts';
import { isDirectory, isWhiteout, type LayerNode } from './layer-node.ts';
import { hashName, NameTable } from './name-table.ts';
import { decodeExtras, encodeExtras } from './node-extras.ts';
import {
  BY_TYPE,
  EXTRAS,
  FIRST,
  LAST,
  MODE,
  readRecord,
  recordSize,
  SIZE,
  writeRecord,
  writeTarget,
} from './node-record.ts';
import { place, type RecordId, RecordPages } from './record-pages.ts';

/** An inode. */
export type NodeId = RecordId;
/** A name in a directory. */
export type EntryId = RecordId;

/** Where the fields of a name's record are. */
const NODE = 0;
const NEXT = 4;
const OWNER = 8;
const LENGTH = 12;
const TEXT = 14;

/**
 * The inodes of layers, with all that they may have, and their names. A layer may have millions of them, so they lie in pages
 * of which only so many are in memory: an inode takes 72 bytes there, a name 14 more than its length, and in memory 6 to 11
 * until `endNames`.
 */
export class NodeStore implements Disposable {
  readonly #records: RecordPages;
  readonly #names: NameTable;
  #nodeCount = 0;
  #directoryCount = 0;
  #entryCount = 0;

  /** `folder`: on a disk, for what does not fit in memory. */
  constructor(folder?: string) {
    this.#records = new RecordPages(folder);
    this.#names = new NameTable(folder);
  }

  /** How many nodes were added. */
  get nodeCount(): number {
    return this.#nodeCount;
  }

  /** How many of them are directories. */
  get directoryCount(): number {
    return this.#directoryCount;
  }

  /** How many names were given, and are still there. */
  get entryCount(): number {
    return this.#entryCount;
  }

  add(node: LayerNode): NodeId {
    const id = this.#records.allot(recordSize(node));
    this.#nodeCount++;
    if (isDirectory(node)) this.#directoryCount++;
    this.set(id, node);
    if (node.target) writeTarget(this.#writable(id), place(id), node.target);
    return id;
  }

  /** A copy of what is known of a node. */
  get(id: NodeId): LayerNode {
    const page = this.#page(id);
    const at = place(id);
    const node = readRecord(page, at);
    const extras = page.view.getUint32(at + EXTRAS, true);
    return extras === 0 ? node : Object.assign(node, decodeExtras(this.#records.read(extras)));
  }

  /** Makes a node like `node` in all that may change: not its type, nor a symlink's target. */
  set(id: NodeId, node: LayerNode): void {
    writeRecord(this.#writable(id).view, place(id), node);
    const extras = node.xattrs || node.segments ? this.#records.keep(encodeExtras(node)) : 0;
    this.#setU32(id, EXTRAS, extras);
  }

  xattrsOf(id: NodeId): LayerNode['xattrs'] {
    const extras = this.#u32(id, EXTRAS);
    return extras === 0 ? undefined : decodeExtras(this.#records.read(extras)).xattrs;
  }

  modeOf(id: NodeId): number {
    return this.#page(id).view.getUint16(place(id) + MODE, true);
  }

  isDirectory(id: NodeId): boolean {
    return (this.modeOf(id) & S_IFMT) === S_IFDIR;
  }

  isWhiteout(id: NodeId): boolean {
    return isWhiteout({ mode: this.modeOf(id), rdev: this.#u32(id, BY_TYPE) });
  }

  /** Bytes of a regular file; 0 of all others. */
  fileSize(id: NodeId): number {
    return this.#page(id).view.getFloat64(place(id) + SIZE, true);
  }

  /** Bytes of a symlink's target. */
  targetLength(id: NodeId): number {
    return this.#u32(id, BY_TYPE);
  }

  noteOf(id: NodeId, which: number): number {
    return this.#u32(id, which);
  }

  setNote(id: NodeId, which: number, value: number): void {
    this.#setU32(id, which, value);
  }

  /** Notes bytes, which do not change any more. */
  keepNote(id: NodeId, which: number, bytes: Buffer): void {
    this.#setU32(id, which, this.#records.keep(bytes));
  }

  keptNote(id: NodeId, which: number): Buffer | undefined {
    const kept = this.#u32(id, which);
    return kept === 0 ? undefined : this.#records.read(kept);
  }

  /** 0 where no bytes were noted. */
  keptLength(id: NodeId, which: number): number {
    const kept = this.#u32(id, which);
    return kept === 0 ? 0 : this.#records.lengthOf(kept);
  }

  /** The node under a name in a directory. Not after `endNames`. */
  find(directory: NodeId, name: string): NodeId | undefined {
    const entry = this.#findEntry(directory, name, hashName(directory, name));
    return entry === undefined ? undefined : this.nodeOf(entry);
  }

  /** Puts a node under a name that the directory does not have; it is the last one then. */
  link(directory: NodeId, name: string, node: NodeId): void {
    const entry = this.makeEntry(name, node, directory);
    const last = this.#u32(directory, LAST);
    if (last === 0) this.#setU32(directory, FIRST, entry);
    else this.#setU32(last, NEXT, entry);
    this.#setU32(directory, LAST, entry);
    this.#count(directory, 1);
    this.#names.add(hashName(directory, name), entry);
  }

  unlink(directory: NodeId, name: string): void {
    const hash = hashName(directory, name);
    const entry = this.#findEntry(directory, name, hash);
    if (entry === undefined) return;
    this.#names.remove(hash, entry);
    this.#setU32(entry, NODE, 0);
    this.#count(directory, -1);
  }

  /** Takes all names out of a directory. */
  empty(directory: NodeId): void {
    for (const entry of this.entries(directory)) this.unlink(directory, this.nameOf(entry));
  }

  /** No name is looked up or changed any more. */
  endNames(): void {
    this.#names.clear();
  }

  /** A name that is in no directory's list, for a node. */
  makeEntry(name: string, node: NodeId, directory: NodeId): EntryId {
    const entry = this.#records.allot(TEXT + name.length);
    const { bytes, view } = this.#writable(entry);
    const at = place(entry);
    view.setUint32(at + NODE, node, true);
    view.setUint32(at + OWNER, directory, true);
    view.setUint16(at + LENGTH, name.length, true);
    bytes.write(name, at + TEXT, 'latin1');
    return entry;
  }

  /** How many names a directory has. */
  countOf(directory: NodeId): number {
    return this.#u32(directory, BY_TYPE);
  }

  /** The names of a directory, in the order in which they were given. */
  *entries(directory: NodeId): Generator<EntryId, void, void> {
    for (let entry = this.#u32(directory, FIRST); entry !== 0; entry = this.#u32(entry, NEXT)) {
      if (this.#u32(entry, NODE) !== 0) yield entry;
    }
  }

  nodeOf(entry: EntryId): NodeId {
    return this.#u32(entry, NODE);
  }

  nameOf(entry: EntryId): string {
    const { bytes, view } = this.#page(entry);
    const at = place(entry);
    return bytes.toString('latin1', at + TEXT, at + TEXT + view.getUint16(at + LENGTH, true));
  }

  nameLength(entry: EntryId): number {
    return this.#page(entry).view.getUint16(place(entry) + LENGTH, true);
  }

  /** Copies the bytes of a name; gives their number. */
  copyName(entry: EntryId, to: Buffer, offset: number): number {
    const { bytes, view } = this.#page(entry);
    const at = place(entry) + TEXT;
    const length = view.getUint16(place(entry) + LENGTH, true);
    for (let index = 0; index < length; index++) to[offset + index] = bytes[at + index]!;
    return length;
  }

  /** Which of two names is first by its bytes: negative, 0 or positive. */
  compareNames(a: EntryId, b: EntryId): number {
    const [pageA, pageB] = [this.#page(a), this.#page(b)];
    const [atA, atB] = [place(a), place(b)];
    const [lengthA, lengthB] = [pageA.view.getUint16(atA + LENGTH, true), pageB.view.getUint16(atB + LENGTH, true)];
    const shorter = Math.min(lengthA, lengthB);
    for (let index = TEXT; index < TEXT + shorter; index++) {
      const difference = pageA.bytes[atA + index]! - pageB.bytes[atB + index]!;
      if (difference !== 0) return difference;
    }
    return lengthA - lengthB;
  }

  close(): void {
    this.#records.close();
    this.endNames();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #findEntry(directory: NodeId, name: string, hash: number): EntryId | undefined {
    return this.#names.find(hash, (entry) => this.#isNamed(entry, directory, name));
  }

  #isNamed(entry: EntryId, directory: NodeId, name: string): boolean {
    const { bytes, view } = this.#page(entry);
    const at = place(entry);
    if (view.getUint32(at + OWNER, true) !== directory || view.getUint16(at + LENGTH, true) !== name.length)
      return false;
    for (let index = 0; index < name.length; index++) {
      if (bytes[at + TEXT + index] !== name.charCodeAt(index)) return false;
    }
    return true;
  }

  #count(directory: NodeId, change: 1 | -1): void {
    this.#entryCount += change;
    this.#setU32(directory, BY_TYPE, this.countOf(directory) + change);
  }

  #page(id: RecordId): Page {
    return this.#records.page(id);
  }

  #writable(id: RecordId): Page {
    return this.#records.writable(id);
  }

  #u32(id: RecordId, field: number): number {
    return this.#records.u32(id, field);
  }

  #setU32(id: RecordId, field: number, value: number): void {
    this.#records.setU32(id, field, value);
  }
}
