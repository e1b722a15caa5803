import type { Refuse } from '#archive/tar-fields.ts';
import { isDirectory, type LayerNode } from '../tree/layer-node.ts';
import type { NodeId, NodeStore } from '../tree/node-store.ts';
import { layerXattrs, overlayMarks, type Xattr } from '../tree/xattrs.ts';
import { XATTR_ENTRY_SIZE, XATTR_HEADER_SIZE } from './format.ts';

/** The inode counts its attributes' bytes in units of 4, in 16 bits, the header as one. */
const MAX_XATTR_BYTES = XATTR_HEADER_SIZE + 4 * (0xffff - 1);

/** Prefixes have numbers of their own on disk (EROFS_XATTR_INDEX_*). */
const prefixes: readonly { text: string; index: number }[] = [
  { text: 'user.', index: 1 },
  { text: 'system.posix_acl_access', index: 2 },
  { text: 'system.posix_acl_default', index: 3 },
  { text: 'trusted.', index: 4 },
  { text: 'security.', index: 6 },
];

/**
 * A node's extended attributes as they follow its inode (`erofs_xattr_ibody_header` and entries), or undefined if it
 * has none: the layer's own, then the marks that make whiteouts work in overlayfs.
 */
export function encodeXattrs(store: NodeStore, id: NodeId, node: LayerNode, refuse: Refuse): Buffer | undefined {
  if (!node.xattrs && !isDirectory(node)) return undefined;
  const marks = isDirectory(node) ? overlayMarks(store, id) : [];
  const entries = [...layerXattrs(node, refuse), ...marks].map(encodeEntry);
  if (entries.length === 0) return undefined;
  const bytes = Buffer.concat([Buffer.alloc(XATTR_HEADER_SIZE), ...entries]);
  if (bytes.length > MAX_XATTR_BYTES) {
    throw refuse(`extended attributes of ${bytes.length} bytes; the limit is ${MAX_XATTR_BYTES}`);
  }
  return bytes;
}

function encodeEntry([fullName, value]: Xattr): Buffer {
  const { text, index } = prefixes.find((prefix) => fullName.startsWith(prefix.text))!;
  const name = Buffer.from(fullName.slice(text.length), 'latin1');
  const entry = Buffer.alloc((XATTR_ENTRY_SIZE + name.length + value.length + 3) & ~3);
  entry[0] = name.length;
  entry[1] = index;
  entry.writeUInt16LE(value.length, 2);
  name.copy(entry, XATTR_ENTRY_SIZE);
  value.copy(entry, XATTR_ENTRY_SIZE + name.length);
  return entry;
}
