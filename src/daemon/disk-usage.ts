import type { DiskUsage, DiskUsageType } from '#api/types/disk-usage.ts';
import { treeSize } from '#lib/tree-size.ts';
import type { Engine } from './engine.ts';
import { listWithSizes } from './sizes.ts';

/** What is being computed, for all who ask meanwhile. */
const running = new WeakMap<Engine, Map<DiskUsageType, Promise<Partial<DiskUsage>>>>();

/** `GET /system/df`: the parts asked for, in bytes on the disk. Several clients at a time share the work. */
export async function diskUsage(engine: Engine, types: ReadonlySet<DiskUsageType>): Promise<DiskUsage> {
  const nothing: DiskUsage = { LayersSize: 0, Images: null, Containers: null, Volumes: null, BuildCache: null };
  const parts = await Promise.all([...types].map((type) => shared(engine, type)));
  return Object.assign(nothing, ...parts);
}

function shared(engine: Engine, type: DiskUsageType): Promise<Partial<DiskUsage>> {
  const parts = running.get(engine) ?? new Map<DiskUsageType, Promise<Partial<DiskUsage>>>();
  running.set(engine, parts);
  const known = parts.get(type);
  if (known) return known;
  const part = PARTS[type](engine).finally(() => parts.delete(type));
  parts.set(type, part);
  return part;
}

const PARTS: Record<DiskUsageType, (engine: Engine) => Promise<Partial<DiskUsage>>> = {
  image: imageUsage,
  container: async (engine) => ({
    Containers: await listWithSizes(engine, { all: true, limit: 0, filters: new Map() }),
  }),
  volume: volumeUsage,
  'build-cache': async () => ({ BuildCache: [] }),
};

async function imageUsage({ graph, containers }: Engine): Promise<Partial<DiskUsage>> {
  const { layersSize, images } = await graph.usage();
  const users = new Map<string, number>();
  for (const { record } of containers) users.set(record.imageId, (users.get(record.imageId) ?? 0) + 1);
  return {
    LayersSize: layersSize,
    Images: images.map((image) => ({ ...image, Containers: users.get(image.Id) ?? 0 })),
  };
}

async function volumeUsage({ volumes }: Engine): Promise<Partial<DiskUsage>> {
  const known = volumes.list(new Map()).Volumes;
  const usage = known.map(async (volume) => ({
    ...volume,
    UsageData: { Size: await treeSize(volume.Mountpoint), RefCount: volumes.userCount(volume.Name) },
  }));
  return { Volumes: await Promise.all(usage) };
}
