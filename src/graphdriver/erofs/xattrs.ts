import type { Refuse } from '#archive/tar-fields.ts';
import { XATTR_ENTRY_SIZE, XATTR_HEADER_SIZE } from './format.ts';
import { isDirectory, isSymlink, isWhiteout, type LayerNode } from './layer-node.ts';

const MAX_XATTR_NAME = 255;
const MAX_XATTR_VALUE = 0xffff;
/** The inode counts its attributes' bytes in units of 4, in 16 bits, the header as one. */
const MAX_XATTR_BYTES = XATTR_HEADER_SIZE + 4 * (0xffff - 1);

/** Prefixes have numbers of their own on disk (EROFS_XATTR_INDEX_*). */
const prefixes: readonly [prefix: string, index: number][] = [
  ['user.', 1],
  ['trusted.', 4],
  ['security.', 6],
];
const accessAcl = { name: 'system.posix_acl_access', index: 2 };
const defaultAcl = { name: 'system.posix_acl_default', index: 3 };

interface Xattr {
  index: number;
  name: Buffer;
  value: Buffer;
}

/**
 * A node's extended attributes as they follow its inode (`erofs_xattr_ibody_header` and entries), or undefined if it
 * has none: the layer's own without those of overlayfs, then the marks that make whiteouts work in overlayfs.
 */
export function encodeXattrs(node: LayerNode, refuse: Refuse): Buffer | undefined {
  if (!node.xattrs && !isDirectory(node)) return undefined;
  const xattrs = [...layerXattrs(node, refuse), ...overlayMarks(node)];
  if (xattrs.length === 0) return undefined;
  const size = xattrs.reduce((sum, xattr) => sum + entrySize(xattr), XATTR_HEADER_SIZE);
  if (size > MAX_XATTR_BYTES) throw refuse(`extended attributes of ${size} bytes; the limit is ${MAX_XATTR_BYTES}`);
  const bytes = Buffer.alloc(size);
  let at = XATTR_HEADER_SIZE;
  for (const xattr of xattrs) {
    bytes[at] = xattr.name.length;
    bytes[at + 1] = xattr.index;
    bytes.writeUInt16LE(xattr.value.length, at + 2);
    xattr.name.copy(bytes, at + XATTR_ENTRY_SIZE);
    xattr.value.copy(bytes, at + XATTR_ENTRY_SIZE + xattr.name.length);
    at += entrySize(xattr);
  }
  return bytes;
}

function entrySize({ name, value }: Xattr): number {
  return (XATTR_ENTRY_SIZE + name.length + value.length + 3) & ~3;
}

function* layerXattrs(node: LayerNode, refuse: Refuse): Generator<Xattr> {
  if (!node.xattrs || isWhiteout(node)) return;
  for (const [fullName, value] of node.xattrs) {
    const place = placeXattr(fullName, node);
    if (!place) continue;
    if (place.name.length > MAX_XATTR_NAME) throw refuse(`an extended attribute's name of ${place.name.length} bytes`);
    if (value.length > MAX_XATTR_VALUE) {
      throw refuse(`the extended attribute ${fullName} of ${value.length} bytes; the limit is ${MAX_XATTR_VALUE}`);
    }
    if (place.name.length === 0) checkAcl(fullName, value, refuse);
    yield { ...place, value };
  }
}

/** Where an attribute goes, or undefined for those that Linux would not keep on such a file or a layer must not set. */
function placeXattr(fullName: string, node: LayerNode): Omit<Xattr, 'value'> | undefined {
  if (fullName.startsWith('trusted.overlay.') || fullName.startsWith('user.overlay.')) return undefined;
  if (fullName === accessAcl.name)
    return isSymlink(node) ? undefined : { index: accessAcl.index, name: Buffer.alloc(0) };
  if (fullName === defaultAcl.name) {
    return isDirectory(node) ? { index: defaultAcl.index, name: Buffer.alloc(0) } : undefined;
  }
  const found = prefixes.find(([prefix]) => fullName.startsWith(prefix) && fullName.length > prefix.length);
  return found && { index: found[1], name: Buffer.from(fullName.slice(found[0].length), 'latin1') };
}

/** An access control list as Linux stores it (linux/posix_acl_xattr.h): version 2, then entries of 8 bytes. */
function checkAcl(fullName: string, value: Buffer, refuse: Refuse): void {
  const tags = [0x01, 0x02, 0x04, 0x08, 0x10, 0x20];
  let right = value.length > 4 && value.length % 8 === 4 && value.readUInt32LE(0) === 2;
  for (let at = 4; right && at < value.length; at += 8) right = tags.includes(value.readUInt16LE(at));
  if (!right) throw refuse(`the extended attribute ${fullName} is not an access control list`);
}

/**
 * `opaque` hides what lies below; `origin` makes overlayfs look for whiteouts when it lists a directory that only one
 * layer has (without it they would show up as devices).
 */
function* overlayMarks(node: LayerNode): Generator<Xattr> {
  if (!isDirectory(node)) return;
  if (node.opaque) yield trusted('overlay.opaque', 'y');
  for (const child of node.children.values()) {
    if (!isWhiteout(child)) continue;
    yield trusted('overlay.origin', '');
    return;
  }
}

function trusted(name: string, value: string): Xattr {
  return { index: 4, name: Buffer.from(name), value: Buffer.from(value) };
}
