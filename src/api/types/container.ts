import type { Config } from './container-config.ts';
import type { HostConfig, Resources, RestartPolicy } from './host-config.ts';
import type { GraphDriverData, OciDescriptor } from './image.ts';
import type { MountPoint } from './mount.ts';
import type { EndpointSettings, NetworkSettings } from './network.ts';
import type { Port } from './port.ts';
import type { Int64, Timestamp } from './scalar.ts';

export type ContainerStatus = 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';

export interface ContainerCreateResponse {
  Id: string;
  Warnings: string[];
}

export interface ContainerInspect {
  Id: string;
  Created: Timestamp;
  /** The executable, then its arguments: entrypoint and command put together. */
  Path: string;
  Args: string[];
  State: ContainerState;
  /** The image's id. */
  Image: string;
  ResolvConfPath: string;
  HostnamePath: string;
  HostsPath: string;
  LogPath: string;
  /** With a leading slash. */
  Name: string;
  RestartCount: number;
  Driver: string;
  Platform: string;
  MountLabel: string;
  ProcessLabel: string;
  AppArmorProfile: string;
  ExecIDs: string[] | null;
  HostConfig: HostConfig;
  GraphDriver: GraphDriverData;
  /** Bytes the container wrote; only with `?size=1`. */
  SizeRw?: Int64;
  /** Bytes of the whole root file system; only with `?size=1`. */
  SizeRootFs?: Int64;
  Mounts: MountPoint[];
  Config: Config;
  NetworkSettings: NetworkSettings;
  ImageManifestDescriptor?: OciDescriptor;
}

export interface ContainerState {
  Status: ContainerStatus;
  Running: boolean;
  Paused: boolean;
  Restarting: boolean;
  OOMKilled: boolean;
  Dead: boolean;
  /** 0 when there is no process. */
  Pid: number;
  ExitCode: number;
  Error: string;
  StartedAt: Timestamp;
  FinishedAt: Timestamp;
  Health?: Health;
}

export interface Health {
  Status: 'none' | 'starting' | 'healthy' | 'unhealthy';
  FailingStreak: number;
  Log: HealthcheckResult[] | null;
}

export interface HealthcheckResult {
  Start: Timestamp;
  End: Timestamp;
  ExitCode: number;
  Output: string;
}

/** One row of `ps`. */
export interface ContainerSummary {
  Id: string;
  /** With leading slashes; links add more. */
  Names: string[];
  Image: string;
  ImageID: string;
  ImageManifestDescriptor?: OciDescriptor;
  Command: string;
  /** Seconds since 1970. */
  Created: number;
  Ports: Port[];
  /** Bytes; only with `?size=1`. */
  SizeRw?: Int64;
  /** Bytes; only with `?size=1`. */
  SizeRootFs?: Int64;
  Labels: Record<string, string>;
  State: ContainerStatus;
  /** `Up 2 minutes (healthy)`, `Exited (0) 3 days ago`, ... */
  Status: string;
  HostConfig: { NetworkMode: string; Annotations?: Record<string, string> };
  NetworkSettings: { Networks: Record<string, EndpointSettings> };
  Mounts: MountPoint[];
}

export type WaitCondition = 'not-running' | 'next-exit' | 'removed';

export interface WaitResponse {
  StatusCode: number;
  /** Why waiting failed; the status code is then meaningless. */
  Error?: { Message: string };
}

/** What an update asks for: 0, empty and null leave a limit as it is, as an empty name does the policy. */
export interface ContainerUpdateRequest extends Resources {
  RestartPolicy: RestartPolicy;
}

export interface ContainerUpdateResponse {
  Warnings: string[] | null;
}

export interface ContainerPruneResponse {
  /** Ids; null = none. */
  ContainersDeleted: string[] | null;
  /** Bytes of what the containers had written. */
  SpaceReclaimed: number;
}

/** The rows of `top`. */
export interface TopResponse {
  Titles: string[];
  Processes: string[][];
}

/** What is at a path of a container, as `archive` tells it. */
export interface ContainerPathStat {
  /** The last part of the path. */
  name: string;
  size: number;
  /** Go's os.FileMode. */
  mode: number;
  mtime: Timestamp;
  /** Where a link leads in the end; empty for what is none. */
  linkTarget: string;
}

/** One row of `diff`. Kind: 0 modified, 1 added, 2 deleted. */
export interface FilesystemChange {
  Path: string;
  Kind: 0 | 1 | 2;
}
