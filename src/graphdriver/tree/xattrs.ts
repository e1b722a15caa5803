import type { Refuse } from '#archive/tar-fields.ts';
import { quote } from '#archive/tar-sequence.ts';
import { encodeAccessAcl, encodeDefaultAcl } from './acl.ts';
import { isDirectory, isRegular, isSymlink, isWhiteout, type LayerNode } from './layer-node.ts';
import type { NodeId, NodeStore } from './node-store.ts';

/** The kernel's limits (linux/limits.h). */
const MAX_NAME = 255;
const MAX_VALUE = 0xffff;

/** Other prefixes are not Linux's; Docker passes over them. */
const prefixes = ['user.', 'trusted.', 'security.'];
const acls: Readonly<Record<string, typeof encodeAccessAcl>> = {
  'system.posix_acl_access': encodeAccessAcl,
  'system.posix_acl_default': encodeDefaultAcl,
};

/** An extended attribute by its full name (`user.x`, a latin1 string). */
export type Xattr = [name: string, value: Buffer];

/** The attributes that a layer gives a node: those that Linux keeps on such a file, without overlayfs's own. */
export function* layerXattrs(node: LayerNode, refuse: Refuse): Generator<Xattr> {
  if (!node.xattrs || isWhiteout(node)) return;
  for (const [name, value] of node.xattrs) {
    if (isOverlays(name)) continue;
    if (value.length > MAX_VALUE) {
      throw refuse(`the extended attribute ${quote(name)} of ${value.length} bytes; the limit is ${MAX_VALUE}`);
    }
    const encodeAcl = acls[name];
    if (encodeAcl) {
      const list = isSymlink(node) ? undefined : encodeAcl(node, value, refuse);
      if (list) yield [name, list];
      continue;
    }
    const prefix = prefixes.find((candidate) => name.startsWith(candidate));
    if (!prefix || (prefix === 'user.' && !mayHaveUserXattrs(node))) continue;
    if (name.length === prefix.length || name.length > MAX_NAME) {
      throw refuse(`the extended attribute ${quote(name)} has no name or one longer than ${MAX_NAME} bytes`);
    }
    yield [name, value];
  }
}

/**
 * What makes a directory's whiteouts work in overlayfs: `opaque` hides what lies below; `origin` makes overlayfs look for
 * whiteouts when it lists a directory that only one layer has (without it they would show up as devices).
 */
export function* overlayMarks(store: NodeStore, directory: NodeId): Generator<Xattr> {
  if (store.get(directory).opaque) yield ['trusted.overlay.opaque', Buffer.from('y')];
  const hidesNames = store.entries(directory).some((entry) => store.isWhiteout(store.nodeOf(entry)));
  if (hidesNames) yield ['trusted.overlay.origin', Buffer.alloc(0)];
}

/** Redirects and the like: a layer must not set what overlayfs believes. */
function isOverlays(name: string): boolean {
  return name.startsWith('trusted.overlay.') || name.startsWith('user.overlay.');
}

/** Linux allows `user.` attributes on files and directories only; Docker passes over the others. */
function mayHaveUserXattrs(node: LayerNode): boolean {
  return isDirectory(node) || isRegular(node);
}
