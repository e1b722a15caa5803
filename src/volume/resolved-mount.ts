/**
 * A mount of a container as the OCI specification needs it: every name is already a path of the host.
 */
export interface ResolvedMount {
  type: 'bind' | 'volume' | 'tmpfs' | 'image';
  /** Absolute path of the host; `tmpfs` for a tmpfs; for an image, until it is mounted, its id. */
  source: string;
  destination: string;
  readOnly: boolean;
  /** volume, image: the part to mount, relative. */
  subpath?: string;
  /** Read-only holds for this mount only, not for the mounts below it. */
  readOnlyNonRecursive?: boolean;
  /** Fail rather than leave mounts below writable, where the kernel cannot make them read-only. */
  readOnlyForceRecursive?: boolean;
  /** Without the mounts below the source. */
  nonRecursive?: boolean;
  /** bind: a missing source is made as a folder (`-v`). */
  createSource?: boolean;
  /**
   * bind: the source holds the engine's data-root, so that by default mounts that go on the host go in the container
   * too: layers could not be unmounted otherwise.
   */
  followsDataRoot?: boolean;
  /** Empty for volumes and tmpfs. */
  propagation: string;
  /** A tmpfs' options, complete. */
  options?: string[];
}
