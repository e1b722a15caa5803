import type { Refuse } from '#archive/tar-fields.ts';
import { isDirectory, isSymlink, type LayerNode } from './layer-node.ts';

/**
 * POSIX access control lists as `system.posix_acl_*` attributes hold them (linux/posix_acl_xattr.h): a version, then
 * entries {u16 tag, u16 permissions, u32 id}. EROFS keeps them as they are and does not check them, so this does what
 * setxattr(2) and chmod(2) would have done.
 */
const VERSION = 2;
const HEADER = 4;
const ENTRY = 8;

/** The tags in the order in which the kernel wants them; users and groups by name need a mask. */
const letters: Readonly<Record<number, string>> = { 1: 'U', 2: 'u', 4: 'G', 8: 'g', 16: 'M', 32: 'O' };
const wellFormed = /^U(u*Gg*M|G)O$/;

/** The list with the file's permissions in it, or undefined when it says no more than they do. */
export function encodeAccessAcl(node: LayerNode, value: Buffer, refuse: Refuse): Buffer | undefined {
  const tags = check(value, refuse);
  if (tags === 'UGO' || tags === '') return undefined;
  const list = Buffer.from(value);
  const group = tags.includes('M') ? 'M' : 'G';
  const bits: Record<string, number> = { U: node.mode >> 6, [group]: node.mode >> 3, O: node.mode };
  for (const [position, tag] of [...tags].entries()) {
    const permissions = bits[tag];
    if (permissions !== undefined) list.writeUInt16LE(permissions & 7, HEADER + position * ENTRY + 2);
  }
  return list;
}

/** What new files in a directory get; nothing else can have one. */
export function encodeDefaultAcl(node: LayerNode, value: Buffer, refuse: Refuse): Buffer | undefined {
  const tags = check(value, refuse);
  if (!isDirectory(node)) throw refuse('a default access control list on something that is no directory');
  return tags === '' ? undefined : value;
}

const ACCESS = 'system.posix_acl_access';
const DEFAULT = 'system.posix_acl_default';

/**
 * Gives a new node what the kernel lets it inherit from its directory's default list (acl(5), "OBJECT CREATION AND DEFAULT
 * ACLs"). Gives the permissions that are left to it: those that the list has, too.
 */
export function inheritAcl(parentXattrs: LayerNode['xattrs'], node: LayerNode): number {
  const list = parentXattrs?.get(DEFAULT);
  if (!list || isSymlink(node)) return node.mode & 0o777;
  const inherited: [string, Buffer][] = isDirectory(node) ? [[DEFAULT, list]] : [];
  node.xattrs = new Map([[ACCESS, list], ...inherited]);
  return node.mode & permissionsOf(list);
}

/** The most that a list allows owner, group (or mask) and others. */
function permissionsOf(list: Buffer): number {
  const of: Record<string, number> = {};
  for (let at = HEADER; at + ENTRY <= list.length; at += ENTRY) {
    of[letters[list.readUInt16LE(at)] ?? '?'] = list.readUInt16LE(at + 2) & 7;
  }
  return ((of.U ?? 7) << 6) | ((of.M ?? of.G ?? 7) << 3) | (of.O ?? 7);
}

/** One letter for each entry. */
function check(value: Buffer, refuse: Refuse): string {
  const malformed = () => refuse('a malformed access control list');
  if (value.length % ENTRY !== HEADER || value.readUInt32LE(0) !== VERSION) throw malformed();
  let tags = '';
  for (let at = HEADER; at < value.length; at += ENTRY) {
    tags += letters[value.readUInt16LE(at)] ?? '?';
    if (value.readUInt16LE(at + 2) > 7) throw malformed();
  }
  if (tags !== '' && !wellFormed.test(tags)) throw malformed();
  return tags;
}
