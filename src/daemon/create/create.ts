import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { ContainerCreateResponse } from '#api/types/container.ts';
import type { Config } from '#api/types/container-config.ts';
import type { HostConfig } from '#api/types/host-config.ts';
import type { NetworkingConfig } from '#api/types/network.ts';
import type { Container } from '#container/container.ts';
import { commandLine, eventAttributes } from '#container/description.ts';
import { type ContainerRecord, CREATED_STATE, layersOf, serializeRecord } from '#container/record.ts';
import { invalid, isEngineError } from '#errors/errors.ts';
import type { Image } from '#image/image.ts';
import { writeFileDurably } from '#lib/durable-file.ts';
import { randomId } from '#lib/names.ts';
import { settleAll } from '#lib/settle-all.ts';
import { nowNs } from '#lib/time.ts';
import { fault } from '#lib/write-steps.ts';
import { blankExitRecord } from '#runtime/exit-record.ts';
import { mergeConfig } from '#runtime/spec/merge-config.ts';
import type { Engine } from '../engine.ts';
import { isKept } from '../launch/monitor-options.ts';
import { runOf } from '../launch/release-run.ts';
import { resolveLinks } from '../links.ts';
import { removeLeftovers } from '../remove.ts';
import { sharedContainer } from '../shared-namespaces.ts';
import { createMounts, fillVolumes } from './create-mounts.ts';
import { type HeldImages, holdMountedImages } from './image-mounts.ts';
import { judgeHostConfig } from './judge-host-config.ts';
import { laterWarnings } from './later.ts';

export interface CreateRequest {
  name?: string;
  config: Config;
  hostConfig: HostConfig;
  networkingConfig: NetworkingConfig;
}

/**
 * `POST /containers/create`. Everything that can be found wrong without starting it is refused here, before anything
 * is made; the row is the commit point, and what was made before it goes again when it is not reached. `not-found` is
 * thrown for the image only: clients pull it then and try again. Whatever else is missing makes the request `invalid`.
 */
export async function createContainer(engine: Engine, request: CreateRequest): Promise<ContainerCreateResponse> {
  await using held = await engine.graph.hold(request.config.Image);
  try {
    return await createFrom(engine, held.image, request);
  } catch (error) {
    if (!isEngineError(error, 'not-found')) throw error;
    throw invalid(error.message, { hint: error.hint, cause: error });
  }
}

async function createFrom(engine: Engine, image: Image, request: CreateRequest): Promise<ContainerCreateResponse> {
  const id = randomId();
  const { record, warnings } = describeContainer(engine, id, image, request);
  record.name = engine.containers.reserveName(id, request.name);
  try {
    record.hostConfig.Links = resolveLinks(engine, record.name, record.hostConfig);
    const container = await makeContainer(engine, record);
    engine.events.publish('container', 'create', id, eventAttributes(container));
    return { Id: id, Warnings: warnings };
  } catch (error) {
    engine.containers.releaseName(id, record.name);
    throw error;
  }
}

function describeContainer(
  engine: Engine,
  id: string,
  image: Image,
  request: CreateRequest,
): { record: ContainerRecord; warnings: string[] } {
  const merged = mergeConfig(request.config, image.config ?? {});
  const { hostConfig, endpoints, warnings } = judgeHostConfig(
    engine,
    merged,
    request.hostConfig,
    request.networkingConfig,
  );
  if (commandLine(merged).length === 0) {
    throw invalid('no command specified', { hint: 'The image names none either: give one after the image.' });
  }
  const config = { ...merged, Hostname: merged.Hostname || defaultHostname(engine, id, hostConfig) };
  const record: ContainerRecord = {
    version: 1,
    id,
    name: '',
    created: nowNs(),
    imageId: image.id,
    chain: [...image.diffIds],
    config,
    hostConfig,
    networkingConfig: { EndpointsConfig: endpoints },
    mountPoints: [],
    mounts: [],
    anonymousVolumes: [],
    platform: image.os,
    driver: engine.driver.name,
    state: { ...CREATED_STATE },
    restartCount: 0,
  };
  return { record, warnings: [...warnings, ...laterWarnings(hostConfig)] };
}

/** The host's own on its network, the partner's in a shared namespace, else the start of the id. */
function defaultHostname(engine: Engine, id: string, { NetworkMode: mode }: HostConfig): string {
  if (mode === 'host') return hostname();
  return sharedContainer(engine, mode)?.record.config.Hostname ?? id.slice(0, 12);
}

async function makeContainer(engine: Engine, record: ContainerRecord): Promise<Container> {
  const { id } = record;
  await using images = await holdMountedImages(engine, record);
  try {
    // side by side, for both wait for the disk
    const [populate] = await settleAll([describeDurably(engine, record, images), makeLayer(engine, record)]);
    await fillVolumes(engine, id, populate);
    fault('container.create.config');
    const container = await engine.containers.add(record);
    fault('container.create.commit');
    return container;
  } catch (error) {
    const { anonymousVolumes } = record;
    await removeLeftovers(engine, { ...runOf(record), chain: layersOf(record), anonymousVolumes });
    throw error;
  }
}

async function makeLayer(engine: Engine, { id, chain }: ContainerRecord): Promise<void> {
  await engine.driver.createReadWrite(id, chain);
  fault('container.create.layer');
}

/** The container's folder, with its record and room for its exit's in it. Gives what there is to be filled once there is a layer. */
async function describeDurably(engine: Engine, record: ContainerRecord, images: HeldImages) {
  const { folder, config, exitRecord } = engine.paths.container(record.id);
  await mkdir(folder, { mode: 0o710 });
  const populate = await createMounts(engine, record, images);
  fault('container.create.mounts');
  await settleAll([
    writeFileDurably(config, serializeRecord(record), 0o600),
    isKept(record) ? blankExitRecord(exitRecord) : Promise.resolve(),
  ]);
  return populate;
}
