import type { ContainerRecord } from '#container/record.ts';
import { collectMounts, type PreparedMount } from '#volume/collect-mounts.ts';
import { prepareMounts } from '#volume/prepare-mounts.ts';
import type { Engine } from './engine.ts';
import { createImageLayers, type HeldImages } from './image-mounts.ts';

/** Makes the volumes and folders that the mounts of a new container need, filled from its image, and records them. */
export async function createMounts(engine: Engine, record: ContainerRecord, images: HeldImages): Promise<void> {
  const { config, hostConfig, id } = record;
  const collected = collectMounts(
    {
      binds: hostConfig.Binds,
      mounts: hostConfig.Mounts,
      volumesFrom: hostConfig.VolumesFrom,
      tmpfs: hostConfig.Tmpfs,
      volumes: config.Volumes,
      volumeDriver: hostConfig.VolumeDriver,
    },
    (name) => mountsOf(engine.containers.get(name).record),
  );
  const { populate, ...mounts } = await prepareMounts(collected, {
    containerId: id,
    volumes: engine.volumes,
    dataRoot: engine.paths.dataRoot,
    imageId: (name) => images.get(name)!.id,
  });
  Object.assign(record, mounts);
  await createImageLayers(engine, record, images);
  if (populate.length === 0) return;
  const rootfs = await engine.driver.get(id);
  try {
    for (const { volume, path } of populate) await engine.volumes.populate(volume, id, rootfs.path, path);
  } finally {
    await engine.driver.put(id);
  }
}

function mountsOf({ mountPoints, mounts }: ContainerRecord): PreparedMount[] {
  return mountPoints.map((point, index) => ({ point, resolved: mounts[index]! }));
}
