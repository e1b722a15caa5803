/** Network namespaces through the launcher. */
import { constants } from 'node:os';
import { describe, errnoCode, system } from '#errors/errors.ts';
import {
  AT_FDCWD,
  addCall,
  type Call,
  MNT_DETACH,
  MOVE_MOUNT_F_EMPTY_PATH,
  O_CLOEXEC,
  OPEN_TREE_CLONE,
  UMOUNT_NOFOLLOW,
} from './launcher-calls.ts';
import type { Ask } from './launcher-connection.ts';
import { addExchange } from './launcher-netlink.ts';
import { decodeReplies, encodeMessages, NETLINK_ROUTE } from './netlink.ts';
import { setLinkUp } from './netlink-link.ts';

const { EINVAL, ENOENT } = constants.errno;
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const CLONE_NEWNET = 0x40000000;

/** What comes behind in the request happens in the namespace, or without a path in the engine's own. */
export function enterNetns(calls: Call[], path: string | undefined): void {
  if (path === undefined) return;
  const label = `entering the network namespace ${path}`;
  const namespace = addCall(calls, label, 'openat', [AT_FDCWD, path, O_CLOEXEC, 0]);
  addCall(calls, label, 'setns', [namespace, CLONE_NEWNET]);
}

/** A new namespace with `lo` up, pinned by a mount on `path`, a file that must not be there yet. */
export async function createNetns(ask: Ask, path: string): Promise<void> {
  const what = `creating the network namespace ${path}`;
  const messages = [setLinkUp('lo')];
  const calls: Call[] = [];
  const flags = O_CREAT | O_EXCL | O_CLOEXEC;
  const file = addCall(calls, 'creating the file', 'openat', [AT_FDCWD, path, flags, 0o444]);
  addCall(calls, 'unshare', 'unshare', [CLONE_NEWNET]);
  const answer = addExchange(calls, NETLINK_ROUTE, encodeMessages(messages));
  const source = [AT_FDCWD, '/proc/thread-self/ns/net', OPEN_TREE_CLONE | O_CLOEXEC] as const;
  const pin = addCall(calls, 'pinning it', 'open_tree', [...source]);
  addCall(calls, 'pinning it', 'move_mount', [pin, '', AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH]);
  addCall(calls, 'removing the file', 'unlinkat', [AT_FDCWD, path, 0], { undoes: file });
  const answered = await ask({ what, calls, decode: (results) => results[answer.index]!.output });
  try {
    decodeReplies(answered, messages);
  } catch (cause) {
    await deleteNetns(ask, path);
    throw system(`${what} failed: bringing lo up: ${describe(cause)}`, { code: errnoCode(cause), cause });
  }
}

/** What is not a namespace, or not even there, is deleted. */
export function deleteNetns(ask: Ask, path: string): Promise<void> {
  const calls: Call[] = [];
  addCall(calls, 'umount', 'umount2', [path, MNT_DETACH | UMOUNT_NOFOLLOW], { fine: [EINVAL, ENOENT] });
  addCall(calls, 'removing the file', 'unlinkat', [AT_FDCWD, path, 0], { fine: [ENOENT] });
  return ask({ what: `deleting the network namespace ${path}`, calls, decode: () => undefined });
}
