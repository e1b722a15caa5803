/** What a device, or every device of a file, changes in a container. Source: the CDI specification, "CDI JSON". */
export interface ContainerEdits {
  /** `NAME=value` */
  env?: string[];
  deviceNodes?: CdiDeviceNode[];
  mounts?: { hostPath: string; containerPath: string; type?: string; options?: string[] }[];
  hooks?: { hookName: string; path: string; args?: string[]; env?: string[]; timeout?: number }[];
  additionalGids?: number[];
}

export interface CdiDeviceNode {
  path: string;
  /** Absent = `path`. */
  hostPath?: string;
  /** `b`, `c`, `u` or `p`; absent = what it is on the host, as for the numbers. */
  type?: string;
  major?: number;
  minor?: number;
  fileMode?: number;
  /** Letters of `rwm`; absent = all. */
  permissions?: string;
  uid?: number;
  gid?: number;
}

export interface CdiFile {
  cdiVersion: string;
  /** `vendor.com/class` */
  kind: string;
  devices: { name: string; containerEdits: ContainerEdits }[];
  containerEdits: ContainerEdits;
}

export const HOOKS = [
  'prestart',
  'createRuntime',
  'createContainer',
  'startContainer',
  'poststart',
  'poststop',
] as const;
