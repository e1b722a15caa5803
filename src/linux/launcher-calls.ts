/**
 * The calls that a request to the launcher is made of, by the names and with the arguments that native/launcher/calls.c
 * has for them. Most are system calls of that name; flags and option numbers are the kernel's.
 */

/** An earlier call of the same request: the descriptor that it opened, or what is to be undone. */
export interface Register {
  /** Place of that call in the request. */
  readonly index: number;
}

/** An i32 or u32, a call's descriptor, text, bytes, texts in a row, or an optional text that is absent. */
export type Argument = number | Register | string | Uint8Array | string[] | null;

export interface CallArguments {
  fsopen: [fstype: string, flags: number];
  fsconfig: [context: Register, command: number, key: string | null, value: string | null, aux: number];
  fsmount: [context: Register, flags: number, attributes: number];
  open_tree: [folder: number, path: string, flags: number];
  /** `attributes` is a struct mount_attr. */
  mount_setattr: [folder: Register, path: string, flags: number, attributes: Uint8Array];
  move_mount: [from: Register, fromPath: string, to: number, toPath: string, flags: number];
  umount2: [path: string, flags: number];
  openat: [folder: number, path: string, flags: number, mode: number];
  unlinkat: [folder: number, path: string, flags: number];
  /** This and `recv` are made again while they give something, up to `size` bytes each time; that is the output. */
  read: [descriptor: Register, size: number];
  /** What was written into a file so far, from an offset on. */
  written: [descriptor: Register, size: number, offset: number];
  fchmod: [descriptor: Register, mode: number];
  memfd_create: [name: string, flags: number];
  ftruncate: [descriptor: Register, size: number];
  pwrite: [descriptor: Register, bytes: Uint8Array, offset: number];
  /** fcntl(F_ADD_SEALS). */
  seal: [descriptor: Register, seals: number];
  chdir: [path: string];
  unshare: [flags: number];
  setns: [namespace: Register, type: number];
  socket: [family: number, type: number, protocol: number];
  setsockopt: [socket: Register, level: number, option: number, value: Uint8Array];
  bind: [socket: Register, address: Uint8Array];
  listen: [socket: Register, backlog: number];
  connect: [socket: Register, address: Uint8Array];
  /** The number of `passed`, unless that is `none`, is put into the bytes at `offset`, as a u32. */
  send: [socket: Register, bytes: Uint8Array, passed: Register, offset: number];
  recv: [socket: Register, size: number, flags: number];
  pidfd_open: [pid: number, flags: number];
  pidfd_getfd: [process: Register, descriptor: number, flags: number];
  /** Holds a copy of the descriptor under a new key; later engines inherit it if `inherited` is 1. */
  keep: [key: string, descriptor: Register, inherited: number];
  release: [key: string];
  /** The output: of each, a u32, its number in an engine that inherits it, 0 = it does not, and its key with a NUL. */
  held: [];
  /** The engine serves: from now on, one that dies is started again. */
  ready: [];
  /** The result is the pid. Descriptors 0 to 3 of the program; `none`: /dev/null, and as the last one no descriptor. */
  spawn: [argv: string[], stdin: Register, stdout: Register, stderr: Register, third: Register];
  /** The result is the wait status; after `timeout` ms, -1 = any, the program is killed. */
  run: [argv: string[], stdin: Register, stdout: Register, stderr: Register, third: Register, timeout: number];
  /**
   * Waits for the end of a process that began at `startTime` (field 22 of /proc/PID/stat); the result is its wait status,
   * ESRCH when it is another one or nobody knows it any more.
   */
  ended: [pid: number, startTime: string, process: Register];
}

export interface CallOptions {
  /** Made only once something has failed, but not this call, which comes before. */
  undoes?: Register;
  /** At most two errnos that are no failure. */
  fine?: number[];
}

export interface Call extends CallOptions {
  name: string;
  /** What failed, when this call does: before the kernel's text. */
  label: string;
  arguments: Argument[];
}

/** Appends a call to a request and gives its result for those behind it. */
export function addCall<Name extends keyof CallArguments>(
  calls: Call[],
  label: string,
  name: Name,
  args: CallArguments[Name],
  options: CallOptions = {},
): Register {
  calls.push({ ...options, name, label, arguments: args });
  return { index: calls.length - 1 };
}

/** No descriptor. */
export const none: Register = { index: -1 };

/** What one output may be asked to hold, in bytes. */
export const MAX_OUTPUT = 64 << 10;

export const AT_FDCWD = -100;
export const AT_EMPTY_PATH = 0x1000;
export const O_CLOEXEC = 0o2000000;
export const SOCK_CLOEXEC = O_CLOEXEC;
export const SOL_SOCKET = 1;
export const AF_UNIX = 1;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_NONBLOCK = 0o4000;
export const OPEN_TREE_CLONE = 1;
export const OPEN_TREE_CLOEXEC = O_CLOEXEC;
export const MOVE_MOUNT_F_EMPTY_PATH = 4;
export const MNT_DETACH = 2;
export const UMOUNT_NOFOLLOW = 8;

/** A struct mount_attr. */
export function mountAttributes({ set = 0, clear = 0, propagation = 0 }): Uint8Array {
  return Buffer.from(BigUint64Array.of(...[set, clear, propagation, 0].map(BigInt)).buffer);
}
