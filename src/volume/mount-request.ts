/** A mount that a request asks for, checked in itself: nothing was looked up or made yet. */
export interface MountRequest {
  type: 'bind' | 'volume' | 'tmpfs' | 'image';
  /** bind: a path of the host; volume: its name, empty for an anonymous one; tmpfs: empty; image: its name. */
  source: string;
  /** Absolute and clean. */
  destination: string;
  /** The options as `inspect` shows them. */
  mode: string;
  readOnly: boolean;
  /** bind only; empty = the default. */
  propagation: string;
  /** bind: make a missing source as a directory (`-v`) rather than refuse (`--mount`). */
  createSource?: boolean;
  nonRecursive?: boolean;
  readOnlyNonRecursive?: boolean;
  readOnlyForceRecursive?: boolean;
  /** volume: fill an empty one with what the image has there. */
  copy?: boolean;
  /** volume: how to make it when it does not exist. */
  driver?: string;
  labels?: Record<string, string>;
  driverOptions?: Record<string, string>;
  /** volume, image: the part to mount. */
  subpath?: string;
  /** tmpfs: all its mount options. */
  tmpfsOptions?: string[];
}
