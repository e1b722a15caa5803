/**
 * System calls that Node does not offer, through `node:ffi`: it loads in 4 ms and 1 MB (koffi: 44 ms and 9 MB), needs no
 * package, and the Node it belongs to is pinned. Calls run on the calling thread: the xattr functions are for workers,
 * where blocking on a disk harms nobody; `lockFile` cannot block.
 */
import { dlopen, getInt32 } from 'node:ffi';
import { getSystemErrorName } from 'node:util';
import { system } from '#errors/errors.ts';

/** Neither a value nor a list of names is longer (XATTR_SIZE_MAX and XATTR_LIST_MAX of linux/limits.h). */
const XATTR_MAX = 65536;
const LOCK_EX = 2;
const LOCK_NB = 4;

function loadLibc() {
  const { functions } = dlopen('libc.so.6', {
    lgetxattr: { arguments: ['buffer', 'buffer', 'buffer', 'u64'], return: 'i64' },
    llistxattr: { arguments: ['buffer', 'buffer', 'u64'], return: 'i64' },
    lsetxattr: { arguments: ['buffer', 'buffer', 'buffer', 'u64', 'i32'], return: 'i32' },
    flock: { arguments: ['i32', 'i32'], return: 'i32' },
    __errno_location: { arguments: [], return: 'pointer' },
  });
  const errnoLocation = functions.__errno_location() as bigint;
  /** Right after a call that failed; nothing in between makes a system call that could fail on this thread. */
  const errnoName = () => getSystemErrorName(-getInt32(errnoLocation, 0));
  return { ...functions, errnoName, space: Buffer.alloc(XATTR_MAX) };
}

let loaded: ReturnType<typeof loadLibc> | undefined;

/** errno belongs to a thread, and so does this module. */
function libc() {
  loaded ??= loadLibc();
  return loaded;
}

const terminated = (text: Uint8Array | string) => Buffer.concat([Buffer.from(text), Buffer.alloc(1)]);

function failure(call: string, path: Buffer): Error {
  const code = libc().errnoName();
  return system(`${call} of ${path} failed: ${code}`, { code });
}

/** The value of an extended attribute of `path` itself (no link is followed); undefined when it has none. */
export function getXattr(path: Buffer, name: string): Buffer | undefined {
  const { lgetxattr, errnoName, space } = libc();
  const length = Number(lgetxattr(terminated(path), terminated(name), space, BigInt(space.length)));
  if (length >= 0) return Buffer.from(space.subarray(0, length));
  if (['ENODATA', 'ENOTSUP', 'EOPNOTSUPP'].includes(errnoName())) return undefined;
  throw failure(`reading ${name}`, path);
}

/** The names of the extended attributes of `path` itself; none where the file system has no such thing. */
export function listXattrs(path: Buffer): string[] {
  const { llistxattr, errnoName, space } = libc();
  const length = Number(llistxattr(terminated(path), space, BigInt(space.length)));
  if (length >= 0) return space.toString('utf8', 0, length).split('\0').filter(Boolean);
  if (['ENOTSUP', 'EOPNOTSUPP'].includes(errnoName())) return [];
  throw failure('listing the extended attributes', path);
}

/** Sets an extended attribute of `path` itself. Throws an EngineError (`system`, code = errno name). */
export function setXattr(path: Buffer, name: string, value: Uint8Array): void {
  const { lsetxattr } = libc();
  const result = lsetxattr(terminated(path), terminated(name), value, BigInt(value.length), 0);
  if (result !== 0) throw failure(`setting ${name}`, path);
}

/** Takes the advisory lock of an open file (flock(2)) until it is closed; false when another process has it. */
export function lockFile(fd: number): boolean {
  const { flock, errnoName } = libc();
  if (flock(fd, LOCK_EX | LOCK_NB) === 0) return true;
  const code = errnoName();
  if (code === 'EAGAIN') return false;
  throw system(`locking descriptor ${fd} failed: ${code}`, { code });
}
