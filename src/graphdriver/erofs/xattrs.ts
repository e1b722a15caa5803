import type { Refuse } from '#archive/tar-fields.ts';
import { quote } from '#archive/tar-sequence.ts';
import { encodeAccessAcl, encodeDefaultAcl } from './acl.ts';
import { S_IFMT, S_IFREG, XATTR_ENTRY_SIZE, XATTR_HEADER_SIZE } from './format.ts';
import { isDirectory, isSymlink, isWhiteout, type LayerNode } from './layer-node.ts';

const MAX_XATTR_NAME = 255;
const MAX_XATTR_VALUE = 0xffff;
/** The inode counts its attributes' bytes in units of 4, in 16 bits, the header as one. */
const MAX_XATTR_BYTES = XATTR_HEADER_SIZE + 4 * (0xffff - 1);

/** Prefixes have numbers of their own on disk (EROFS_XATTR_INDEX_*). Others are not Linux's; Docker passes over them. */
const prefixes: readonly { text: string; index: number }[] = [
  { text: 'user.', index: 1 },
  { text: 'trusted.', index: 4 },
  { text: 'security.', index: 6 },
];
const acls: Readonly<Record<string, { index: number; encode: typeof encodeAccessAcl }>> = {
  'system.posix_acl_access': { index: 2, encode: encodeAccessAcl },
  'system.posix_acl_default': { index: 3, encode: encodeDefaultAcl },
};

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
    if (isOverlays(fullName)) continue;
    if (value.length > MAX_XATTR_VALUE) {
      throw refuse(
        `the extended attribute ${quote(fullName)} of ${value.length} bytes; the limit is ${MAX_XATTR_VALUE}`,
      );
    }
    const acl = acls[fullName];
    if (acl) {
      const list = isSymlink(node) ? undefined : acl.encode(node, value, refuse);
      if (list) yield { index: acl.index, name: Buffer.alloc(0), value: list };
      continue;
    }
    const prefix = prefixes.find((candidate) => fullName.startsWith(candidate.text));
    if (!prefix || (prefix.text === 'user.' && !mayHaveUserXattrs(node))) continue;
    const name = Buffer.from(fullName.slice(prefix.text.length), 'latin1');
    if (name.length === 0 || fullName.length > MAX_XATTR_NAME) {
      throw refuse(`the extended attribute ${quote(fullName)} has no name or one longer than ${MAX_XATTR_NAME} bytes`);
    }
    yield { index: prefix.index, name, value };
  }
}

/** Redirects and the like: a layer must not set what overlayfs believes. */
function isOverlays(fullName: string): boolean {
  return fullName.startsWith('trusted.overlay.') || fullName.startsWith('user.overlay.');
}

/** Linux allows `user.` attributes on files and directories only; Docker passes over the others. */
function mayHaveUserXattrs(node: LayerNode): boolean {
  return isDirectory(node) || (node.mode & S_IFMT) === S_IFREG;
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
