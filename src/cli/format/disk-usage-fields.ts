import type { BuildCacheRecord, DiskUsage } from '#api/types/disk-usage.ts';
import type { Volume } from '#api/types/volume.ts';
import { compareText } from '../template/values.ts';
import type { Fields } from './list.ts';
import { ago, goTime, humanSize, shortId } from './units.ts';

/** One line of `system df`: how much one kind of objects takes, in bytes. */
export interface UsageRow {
  kind: string;
  total: number;
  active: number;
  size: number;
  reclaimable: number;
  /** Say what part of the size the reclaimable is; of an empty kind never. */
  withShare: boolean;
}

export const usageColumns = ['Type', 'TotalCount', 'Active', 'Size', 'Reclaimable'];

export const usageFields: Fields<UsageRow> = {
  Type: { header: 'TYPE', value: (row) => row.kind },
  TotalCount: { header: 'TOTAL', value: (row) => String(row.total) },
  Active: { header: 'ACTIVE', value: (row) => String(row.active) },
  Size: { header: 'SIZE', value: (row) => humanSize(row.size) },
  Reclaimable: { header: 'RECLAIMABLE', value: reclaimableText },
};

function reclaimableText({ reclaimable, size, withShare }: UsageRow): string {
  const text = humanSize(reclaimable);
  return withShare && size > 0 ? `${text} (${Math.trunc((reclaimable * 100) / size)}%)` : text;
}

const RUNNING = new Set(['running', 'paused', 'restarting']);

/** The lines of `system df`, reckoned from the daemon's lists as docker's client does. */
export function usageRows({ LayersSize, Images, Containers, Volumes, BuildCache }: DiskUsage): UsageRow[] {
  const images = Images ?? [];
  const containers = (Containers ?? []).map(({ SizeRw, State }) => ({
    size: Number(SizeRw ?? 0),
    used: RUNNING.has(State),
  }));
  const volumes = (Volumes ?? []).map(({ UsageData }) => ({
    size: Math.max(0, UsageData?.Size ?? 0),
    used: (UsageData?.RefCount ?? 0) > 0,
  }));
  const cache = (BuildCache ?? []).map(({ Size, InUse, Shared }) => ({ size: Shared ? 0 : Size, used: InUse }));
  const usedImages = images.filter(({ Containers: users }) => users !== 0);
  const usedByImages = usedImages
    .filter(({ Size, SharedSize }) => Size !== -1 && SharedSize !== -1)
    .reduce((sum, { Size, SharedSize }) => sum + Size - SharedSize, 0);
  return [
    {
      kind: 'Images',
      total: images.length,
      active: images.filter(({ Containers: users }) => users > 0).length,
      size: LayersSize,
      reclaimable: LayersSize - usedByImages,
      withShare: true,
    },
    { kind: 'Containers', ...summed(containers), withShare: true },
    { kind: 'Local Volumes', ...summed(volumes), withShare: true },
    { kind: 'Build Cache', ...summed(cache), withShare: false },
  ];
}

function summed(items: readonly { size: number; used: boolean }[]) {
  const sum = (some: typeof items) => some.reduce((total, { size }) => total + size, 0);
  return {
    total: items.length,
    active: items.filter(({ used }) => used).length,
    size: sum(items),
    reclaimable: sum(items.filter(({ used }) => !used)),
  };
}

export const volumeUsageColumns = ['Name', 'Links', 'Size'];

/** What `system df -v` can show of a volume. */
export const volumeUsageFields: Fields<Volume> = {
  Name: { header: 'VOLUME NAME', value: ({ Name }) => Name },
  Driver: { header: 'DRIVER', value: ({ Driver }) => Driver },
  Scope: { header: 'SCOPE', value: ({ Scope }) => Scope },
  Mountpoint: { header: 'MOUNTPOINT', value: ({ Mountpoint }) => Mountpoint },
  Labels: { header: 'LABELS', value: ({ Labels }) => labelsText(Labels) },
  Availability: { header: 'AVAILABILITY', value: () => 'N/A' },
  Group: { header: 'GROUP', value: () => 'N/A' },
  Status: { header: 'STATUS', value: () => 'N/A' },
  Links: { header: 'LINKS', value: ({ UsageData }) => (UsageData ? String(UsageData.RefCount) : 'N/A') },
  Size: { header: 'SIZE', value: ({ UsageData }) => (UsageData ? humanSize(UsageData.Size) : 'N/A') },
};

const labelsText = (labels: Record<string, string> | null) =>
  Object.entries(labels ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .sort(compareText)
    .join(',');

export const cacheColumns = ['ID', 'CacheType', 'Size', 'CreatedSince', 'LastUsedSince', 'UsageCount', 'Shared'];

/** What `system df -v` can show of a record of the build cache; `full` keeps ids whole. */
export function cacheFields(full: boolean): Fields<BuildCacheRecord> {
  return {
    ID: { header: 'CACHE ID', value: ({ ID, InUse }) => `${full ? ID : shortId(ID)}${InUse ? '*' : ''}` },
    Parent: { header: 'PARENT', value: ({ Parents }) => (Parents ?? []).map((id) => (full ? id : shortId(id))).join() },
    CacheType: { header: 'CACHE TYPE', value: ({ Type }) => Type },
    Description: { header: 'DESCRIPTION', value: ({ Description }) => Description },
    InUse: { header: 'IN USE', value: ({ InUse }) => String(InUse) },
    Shared: { header: 'SHARED', value: ({ Shared }) => String(Shared) },
    Size: { header: 'SIZE', value: ({ Size }) => humanSize(Size, 3) },
    CreatedAt: { header: 'CREATED AT', value: ({ CreatedAt }) => goTime(seconds(CreatedAt)) },
    CreatedSince: { header: 'CREATED', value: ({ CreatedAt }) => ago(seconds(CreatedAt)) },
    LastUsedAt: { header: 'LAST USED AT', value: ({ LastUsedAt }) => (LastUsedAt ? goTime(seconds(LastUsedAt)) : '') },
    LastUsedSince: { header: 'LAST USED', value: ({ LastUsedAt }) => (LastUsedAt ? ago(seconds(LastUsedAt)) : '') },
    UsageCount: { header: 'USAGE', value: ({ UsageCount }) => String(UsageCount) },
  };
}

const seconds = (time: string) => Date.parse(time) / 1000;
