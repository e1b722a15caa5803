import type { MountPoint } from '#api/types/mount.ts';
import { ensureBindSource } from './bind-source.ts';
import type { CollectedMounts, PreparedMount } from './collect-mounts.ts';
import type { MountRequest } from './mount-request.ts';
import type { ResolvedMount } from './resolved-mount.ts';
import type { VolumeStore } from './volumes.ts';

/** The mounts of a container that exists: kept with it. */
export interface ContainerMounts {
  /** What inspect shows. */
  mountPoints: MountPoint[];
  /** What the runtime gets: the same in the same order, then each `--tmpfs`. */
  mounts: ResolvedMount[];
  /** Volumes that go with the container (`rm -v`, `--rm`). */
  anonymousVolumes: string[];
  /** Volumes to fill from the image before the first start: `volumes.populate`. */
  populate: { volume: string; path: string }[];
}

export interface PrepareOptions {
  containerId: string;
  volumes: Pick<VolumeStore, 'create' | 'use' | 'release' | 'removeIfUnused'>;
  dataRoot: string;
  /** The id of an image that is held; throws `not-found`. */
  imageId: (name: string) => string;
}

/** Makes what the mounts need: volumes, and folders of `-v`. When it throws, nothing of it is left but such folders. */
export async function prepareMounts(collected: CollectedMounts, options: PrepareOptions): Promise<ContainerMounts> {
  const { containerId, volumes } = options;
  const result: ContainerMounts = { mountPoints: [], mounts: [], anonymousVolumes: [], populate: [] };
  const keep = ({ point, resolved }: PreparedMount) => {
    result.mountPoints.push(point);
    result.mounts.push(resolved);
  };
  try {
    for (const inherited of collected.inherited) {
      if (inherited.point.Name) volumes.use(inherited.point.Name, containerId);
      keep(inherited);
    }
    for (const request of collected.requests) {
      if (request.type === 'volume') keep(await prepareVolume(request, options, result));
      else if (request.type === 'bind') keep(await prepareBind(request, options.dataRoot));
      else if (request.type === 'image') keep(prepareImage(request, options.imageId));
      else keep(prepareTmpfs(request));
    }
  } catch (error) {
    volumes.release(containerId);
    for (const name of result.anonymousVolumes) await volumes.removeIfUnused(name);
    throw error;
  }
  result.mounts.push(...collected.tmpfs);
  return result;
}

async function prepareVolume(
  request: MountRequest,
  { volumes, containerId }: PrepareOptions,
  result: ContainerMounts,
): Promise<PreparedMount> {
  const volume = await volumes.create(
    {
      Name: request.source,
      Driver: request.driver ?? '',
      DriverOpts: request.driverOptions ?? null,
      Labels: request.labels ?? null,
    },
    containerId,
  );
  if (request.source === '') result.anonymousVolumes.push(volume.Name);
  if (request.copy) result.populate.push({ volume: volume.Name, path: request.destination });
  const point: MountPoint = {
    Type: 'volume',
    Name: volume.Name,
    Source: volume.Mountpoint,
    Destination: request.destination,
    Driver: volume.Driver,
    Mode: request.mode,
    RW: !request.readOnly,
    Propagation: '',
  };
  return { point, resolved: resolvedOf(request, volume.Mountpoint, '') };
}

async function prepareBind(request: MountRequest, dataRoot: string): Promise<PreparedMount> {
  await ensureBindSource(request.source, request.createSource ?? false);
  const followsDataRoot = request.propagation === '' && contains(request.source, dataRoot);
  const propagation = request.propagation || (followsDataRoot ? 'rslave' : 'rprivate');
  const resolved: ResolvedMount = {
    ...resolvedOf(request, request.source, propagation),
    ...(request.createSource && { createSource: true }),
    ...(followsDataRoot && { followsDataRoot: true }),
  };
  return { point: pointOf(request, request.source, propagation), resolved };
}

function prepareImage(request: MountRequest, imageId: (name: string) => string): PreparedMount {
  return { point: pointOf(request, request.source, ''), resolved: resolvedOf(request, imageId(request.source), '') };
}

function prepareTmpfs(request: MountRequest): PreparedMount {
  return {
    point: pointOf(request, '', ''),
    resolved: { ...resolvedOf(request, 'tmpfs', ''), options: request.tmpfsOptions },
  };
}

function pointOf(request: MountRequest, source: string, propagation: string): MountPoint {
  return {
    Type: request.type,
    Source: source,
    Destination: request.destination,
    Mode: request.mode,
    RW: !request.readOnly,
    Propagation: propagation,
  };
}

function resolvedOf(request: MountRequest, source: string, propagation: string): ResolvedMount {
  const { type, destination, readOnly, nonRecursive, readOnlyNonRecursive, readOnlyForceRecursive, subpath } = request;
  return {
    type,
    source,
    destination,
    readOnly,
    propagation,
    ...(subpath && { subpath }),
    ...(nonRecursive && { nonRecursive }),
    ...(readOnlyNonRecursive && { readOnlyNonRecursive }),
    ...(readOnlyForceRecursive && { readOnlyForceRecursive }),
  };
}

/** True when `inner` is `outer` or lies below it. */
function contains(outer: string, inner: string): boolean {
  return inner === outer || inner.startsWith(outer === '/' ? '/' : `${outer}/`);
}
