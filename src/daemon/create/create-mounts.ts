import type { Config } from '#api/types/container-config.ts';
import type { HostConfig } from '#api/types/host-config.ts';
import type { ContainerRecord } from '#container/record.ts';
import { collectMounts, type MountInput, type PreparedMount } from '#volume/collect-mounts.ts';
import { type ContainerMounts, prepareMounts } from '#volume/prepare-mounts.ts';
import type { Engine } from '../engine.ts';
import { createImageLayers, type HeldImages } from './image-mounts.ts';

/** Makes the volumes and folders that the mounts of a new container need, and records them. Gives what `fillVolumes` is to fill. */
export async function createMounts(
  engine: Engine,
  record: ContainerRecord,
  images: HeldImages,
): Promise<ContainerMounts['populate']> {
  const { config, hostConfig, id } = record;
  const input = mountInputOf(config, hostConfig);
  const collected = collectMounts(input, (name) => mountsOf(engine.containers.get(name).record));
  const { populate, ...mounts } = await prepareMounts(collected, {
    containerId: id,
    volumes: engine.volumes,
    dataRoot: engine.paths.dataRoot,
    imageId: (name) => images.get(name)!.id,
  });
  Object.assign(record, mounts);
  await createImageLayers(engine, record, images);
  return populate;
}

/** Copies what the image has at a volume's place into the volume, if that is still empty. */
export async function fillVolumes(engine: Engine, id: string, populate: ContainerMounts['populate']): Promise<void> {
  if (populate.length === 0) return;
  const rootfs = await engine.driver.get(id);
  try {
    for (const { volume, path } of populate) await engine.volumes.populate(volume, id, rootfs.path, path);
  } finally {
    await engine.driver.put(id);
  }
}

export function mountInputOf({ Volumes: volumes }: Config, hostConfig: HostConfig): MountInput {
  const { Binds: binds, Mounts: mounts, VolumesFrom: volumesFrom, Tmpfs: tmpfs } = hostConfig;
  return { binds, mounts, volumesFrom, tmpfs, volumes, volumeDriver: hostConfig.VolumeDriver };
}

/** Those that inspect shows: without `--tmpfs`. */
export function mountsOf({ mountPoints, mounts }: ContainerRecord): PreparedMount[] {
  return mountPoints.map((point, index) => ({ point, resolved: mounts[index]! }));
}
