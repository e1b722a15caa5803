import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { errnoCode, invalid } from '#errors/errors.ts';
import { resolveInRoot } from '#linux/resolve-in-root.ts';
import { type GroupEntry, type PasswdEntry, parseGroup, parsePasswd } from './passwd.ts';

/** The user that the first process of a container runs as. */
export interface ResolvedUser {
  uid: number;
  gid: number;
  /** The group itself, then the supplementary groups, each once. */
  additionalGids: number[];
  /** `/` when the user is not in the passwd file. */
  home: string;
}

/** The largest id that Docker takes. */
const MAX_ID = 2 ** 31 - 1;

/** Bytes; a larger passwd or group file is not one. */
const MAX_FILE = 16 * 1024 * 1024;

/** An image may have a pipe or a device in this place: opening it must not wait. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

/**
 * Finds `user` (`name`, `uid`, `name:group`, `uid:gid`, or empty for root) and the groups of `--group-add` in the
 * container's own /etc/passwd and /etc/group. Numbers need no entry. Throws `invalid` in Docker's words.
 */
export async function resolveUser(
  rootfs: string,
  user: string,
  groupAdd: readonly string[] | null = null,
): Promise<ResolvedUser> {
  const passwd = parsePasswd(await readInRoot(rootfs, '/etc/passwd'));
  const groups = parseGroup(await readInRoot(rootfs, '/etc/group'));
  return findUser(passwd, groups, user, groupAdd ?? []);
}

/** The pure part of `resolveUser`. */
export function findUser(
  passwd: readonly PasswdEntry[],
  groups: readonly GroupEntry[],
  user: string,
  groupAdd: readonly string[],
): ResolvedUser {
  const [userPart = '', groupPart = ''] = user.split(/:(.*)/s);
  const entry = findEntry(passwd, userPart || '0', (candidate) => candidate.uid);
  const uid =
    entry?.uid ?? idOf(userPart || '0', `unable to find user ${userPart}: no matching entries in passwd file`);
  const gid = groupPart
    ? groupId(groups, groupPart, `unable to find group ${groupPart}: no matching entries in group file`)
    : (entry?.gid ?? 0);
  const supplementary = groupPart || !entry ? [] : groups.filter((group) => group.members.includes(entry.name));
  const added = groupAdd.map((name) =>
    groupId(groups, name, `Unable to find group ${name}: no matching entries in group file`),
  );
  const additionalGids = [...new Set([gid, ...supplementary.map((group) => group.gid), ...added])];
  return { uid, gid, additionalGids, home: entry?.home ?? '/' };
}

function groupId(groups: readonly GroupEntry[], wanted: string, missing: string): number {
  return findEntry(groups, wanted, (group) => group.gid)?.gid ?? idOf(wanted, missing);
}

/** A number is looked up as an id only, anything else as a name. */
function findEntry<T extends { name: string }>(
  entries: readonly T[],
  wanted: string,
  id: (entry: T) => number,
): T | undefined {
  const number = /^[+-]?\d+$/.test(wanted) ? Number(wanted) : undefined;
  return entries.find((entry) => (number === undefined ? entry.name === wanted : id(entry) === number));
}

function idOf(text: string, missing: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw invalid(missing, { hint: 'A number needs no entry.' });
  const id = Number(text);
  if (id < 0 || id > MAX_ID) throw invalid(`uids and gids must be in range 0-${MAX_ID}`);
  return id;
}

/** The file's text; empty when it is missing or not a regular file. */
async function readInRoot(rootfs: string, path: string): Promise<string> {
  try {
    await using file = await open(await resolveInRoot(rootfs, path), READ_FLAGS);
    const stats = await file.stat();
    if (!stats.isFile()) return '';
    if (stats.size > MAX_FILE) throw invalid(`${path} in the image is too large (${stats.size} bytes)`);
    return await file.readFile('utf8');
  } catch (error) {
    const code = errnoCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR' || code === 'ENXIO' || code === 'ELOOP') return '';
    throw error;
  }
}
