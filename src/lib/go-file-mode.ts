/** Bits of os.FileMode. */
export const GO_DIRECTORY = 2 ** 31;
export const GO_SYMLINK = 1 << 27;
export const GO_DEVICE = 1 << 26;

/** stat(2)'s type bits -> those of Go's os.FileMode, in which the API tells a file's mode. */
const types = new Map([
  [0o040000, GO_DIRECTORY],
  [0o120000, GO_SYMLINK],
  [0o060000, GO_DEVICE],
  [0o020000, GO_DEVICE | (1 << 21)], // character device
  [0o010000, 1 << 25], // named pipe
  [0o140000, 1 << 24], // socket
]);
const SETUID = 1 << 23;
const SETGID = 1 << 22;
const STICKY = 1 << 20;

/** A mode of stat(2) as Go's os.FileMode. */
export function goFileMode(mode: number): number {
  const special =
    (mode & 0o4000 ? SETUID : 0) | (mode & 0o2000 ? SETGID : 0) | (mode & 0o1000 ? STICKY : 0) | (mode & 0o777);
  return (types.get(mode & 0o170000) ?? 0) + special;
}
