import type { ContainerSummary } from './container.ts';
import type { ImageSummary } from './image.ts';
import type { Volume } from './volume.ts';

/** The kinds of objects that `GET /system/df` can be asked for. */
export type DiskUsageType = 'container' | 'image' | 'volume' | 'build-cache';

/** What takes the space; null = not asked for. Bytes on the disk. */
export interface DiskUsage {
  /** Everything that is kept for images, what they share counted once. */
  LayersSize: number;
  Images: readonly ImageSummary[] | null;
  Containers: readonly ContainerSummary[] | null;
  Volumes: readonly Volume[] | null;
  BuildCache: readonly BuildCacheRecord[] | null;
}

export interface BuildCacheRecord {
  ID: string;
  Parents?: string[];
  Type: string;
  Description: string;
  InUse: boolean;
  Shared: boolean;
  /** Bytes. */
  Size: number;
  CreatedAt: string;
  LastUsedAt: string | null;
  UsageCount: number;
}
