import type { Int64 } from './scalar.ts';

export type MountType = 'bind' | 'volume' | 'image' | 'tmpfs' | 'npipe' | 'cluster';

/** A mount as the client asks for it (`--mount`). */
export interface Mount {
  Type?: MountType;
  Source?: string;
  Target?: string;
  ReadOnly?: boolean;
  Consistency?: string;
  BindOptions?: BindOptions;
  VolumeOptions?: VolumeOptions;
  ImageOptions?: { Subpath?: string };
  TmpfsOptions?: TmpfsOptions;
}

export interface BindOptions {
  Propagation?: 'private' | 'rprivate' | 'shared' | 'rshared' | 'slave' | 'rslave' | '';
  NonRecursive?: boolean;
  CreateMountpoint?: boolean;
  ReadOnlyNonRecursive?: boolean;
  ReadOnlyForceRecursive?: boolean;
}

export interface VolumeOptions {
  NoCopy?: boolean;
  Labels?: Record<string, string>;
  Subpath?: string;
  DriverConfig?: { Name?: string; Options?: Record<string, string> };
}

export interface TmpfsOptions {
  /** Bytes; 0 = the kernel's default. */
  SizeBytes?: Int64;
  /** Permission bits as a number, not octal text. */
  Mode?: number;
  /** `[["noexec"], ["size", "1m"]]` */
  Options?: string[][];
}

/** A mount as the container has it. */
export interface MountPoint {
  Type: MountType;
  /** The volume's name. */
  Name?: string;
  Source: string;
  Destination: string;
  /** The volume's driver. */
  Driver?: string;
  /** The options as given (`z`, `ro,Z`, ...), for display. */
  Mode: string;
  RW: boolean;
  Propagation: string;
}
