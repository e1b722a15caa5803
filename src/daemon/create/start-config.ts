import type { HostConfig } from '#api/types/host-config.ts';
import type { Container } from '#container/container.ts';
import type { ContainerRecord } from '#container/record.ts';
import { invalid } from '#errors/errors.ts';
import { fault } from '#lib/write-steps.ts';
import { collectMounts } from '#volume/collect-mounts.ts';
import { type ContainerMounts, prepareMounts } from '#volume/prepare-mounts.ts';
import type { Engine } from '../engine.ts';
import { resolveLinks } from '../links.ts';
import { fillVolumes, mountInputOf, mountsOf } from './create-mounts.ts';
import { judgeHostConfig } from './judge-host-config.ts';

/**
 * Puts the host config that came with a start, as the first clients gave it, in the place of the container's own. Its
 * mounts join those that the container has, or take their places. Called under the container's lock. Throws as create
 * does, and then nothing has changed.
 */
export async function replaceHostConfig(engine: Engine, container: Container, asked: HostConfig): Promise<void> {
  const { record } = container;
  const own = record.config.Hostname === record.id.slice(0, 12) ? '' : record.config.Hostname;
  const config = { ...record.config, Hostname: own };
  const { hostConfig, endpoints } = judgeHostConfig(engine, config, asked, { EndpointsConfig: null });
  hostConfig.Links = resolveLinks(engine, record.name, hostConfig);
  const mounts = await joinMounts(engine, record, hostConfig);
  const { anonymousVolumes: before } = record;
  Object.assign(record, { ...mounts, networkingConfig: { EndpointsConfig: endpoints } });
  container.setHostConfig(hostConfig);
  await engine.containers.save(container);
  fault('container.start.configured');
  useVolumes(engine, record);
  for (const name of before) if (!mounts.anonymousVolumes.includes(name)) await engine.volumes.removeIfUnused(name);
}

type Joined = Omit<ContainerMounts, 'populate'>;

async function joinMounts(engine: Engine, record: ContainerRecord, hostConfig: HostConfig): Promise<Joined> {
  const input = { ...mountInputOf(record.config, hostConfig), volumes: null };
  const collected = collectMounts(input, (name) => mountsOf(engine.containers.get(name).record));
  if (record.imageMounts?.length || collected.inherited.some(({ resolved }) => resolved.type === 'image')) {
    throw invalid('images cannot be mounted by the host config of a start', {
      hint: 'Give it when the container is created.',
    });
  }
  const { populate, ...made } = await prepare(engine, record, collected);
  const taken = new Set(made.mounts.map(({ destination }) => destination));
  const kept = mountsOf(record).filter(({ resolved }) => !taken.has(resolved.destination));
  const mountPoints = [...kept.map(({ point }) => point), ...made.mountPoints];
  const names = new Set(mountPoints.map(({ Name: name }) => name));
  await fillVolumes(engine, record.id, populate);
  return {
    mountPoints,
    mounts: [...kept.map(({ resolved }) => resolved), ...made.mounts],
    anonymousVolumes: [...record.anonymousVolumes, ...made.anonymousVolumes].filter((name) => names.has(name)),
  };
}

/** A failure gives back the volumes of the container, those that it had already too. */
async function prepare(engine: Engine, record: ContainerRecord, collected: Parameters<typeof prepareMounts>[0]) {
  const { volumes, paths } = engine;
  try {
    const options = { containerId: record.id, volumes, dataRoot: paths.dataRoot, imageId: String };
    return await prepareMounts(collected, options);
  } catch (error) {
    useVolumes(engine, record);
    throw error;
  }
}

/** Exactly those that its mounts name. */
function useVolumes({ volumes }: Engine, { id, mountPoints }: ContainerRecord): void {
  volumes.release(id);
  for (const { Name: name } of mountPoints) if (name) volumes.use(name, id);
}
