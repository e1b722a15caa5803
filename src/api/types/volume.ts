import type { Timestamp } from './scalar.ts';

export interface Volume {
  Name: string;
  Driver: string;
  Mountpoint: string;
  CreatedAt?: Timestamp;
  Status?: Record<string, unknown>;
  Labels: Record<string, string> | null;
  Scope: 'local' | 'global';
  Options: Record<string, string> | null;
  /** Only in `system df`. Bytes, -1 = not known. */
  UsageData?: { Size: number; RefCount: number };
}

export interface VolumeCreateRequest {
  Name: string;
  Driver: string;
  DriverOpts: Record<string, string> | null;
  Labels: Record<string, string> | null;
}

export interface VolumeListResponse {
  Volumes: Volume[];
  Warnings: string[] | null;
}

export interface VolumePruneResponse {
  /** Names. */
  VolumesDeleted: string[] | null;
  /** Bytes. */
  SpaceReclaimed: number;
}
