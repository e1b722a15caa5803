import type { DiskUsage } from '#api/types/disk-usage.ts';
import { downgradeSummary } from './container.ts';
import { downgradeImageSummary } from './image.ts';

/** A reply of `/system/df` for version 1.`version`. */
export function downgradeDiskUsage(usage: DiskUsage, version: number): DiskUsage {
  return {
    ...usage,
    Images: usage.Images?.map((image) => downgradeImageSummary(image, version)) ?? null,
    Containers: usage.Containers?.map((container) => downgradeSummary(container, version)) ?? null,
  };
}
