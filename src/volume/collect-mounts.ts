import type { Mount, MountPoint } from '#api/types/mount.ts';
import type { StringSet } from '#api/types/scalar.ts';
import { invalid } from '#errors/errors.ts';
import { parseBind } from './bind-spec.ts';
import { parseMount } from './mount-config.ts';
import { parseMode } from './mount-mode.ts';
import type { MountRequest } from './mount-request.ts';
import { cleanPath, mountTarget } from './mount-target.ts';
import type { ResolvedMount } from './resolved-mount.ts';
import { mergeTmpfsOptions } from './tmpfs-options.ts';

/** A container's mount as it is kept: what `inspect` shows, and what the runtime gets. */
export interface PreparedMount {
  point: MountPoint;
  resolved: ResolvedMount;
}

/** The parts of a create request that ask for mounts. */
export interface MountInput {
  binds: readonly string[] | null;
  mounts: readonly Mount[] | undefined;
  volumesFrom: readonly string[] | null;
  tmpfs: Readonly<Record<string, string>> | undefined;
  /** `Config.Volumes`, the image's included. */
  volumes: StringSet | null;
  volumeDriver: string;
}

/** The mounts of a container, each target once: those taken over from others, those to make, and the tmpfs. */
export interface CollectedMounts {
  inherited: PreparedMount[];
  requests: MountRequest[];
  /** `--tmpfs`: not shown among inspect's mounts. */
  tmpfs: ResolvedMount[];
}

/**
 * Puts the sources of mounts together in Docker's order of precedence: `--volumes-from` gives way to binds and mounts,
 * and a volume that the image declares to all of them. Throws `invalid` in Docker's words, for a target that is named
 * twice too. `mountsOf` gives the mounts of another container and throws when there is none of that name.
 */
export function collectMounts(input: MountInput, mountsOf: (container: string) => PreparedMount[]): CollectedMounts {
  const tmpfs = Object.entries(input.tmpfs ?? {}).map(([target, options]) => tmpfsMount(target, options));
  const tmpfsTargets = new Set(tmpfs.map(({ destination }) => destination));
  const asked = new Map<string, MountRequest>();
  const add = (request: MountRequest, named: string) => {
    const clash = asked.has(request.destination) || (request.type !== 'tmpfs' && tmpfsTargets.has(request.destination));
    if (clash) throw invalid(`Duplicate mount point: ${named}`);
    asked.set(request.destination, request);
  };
  for (const bind of input.binds ?? []) {
    const request = parseBind(bind, input.volumeDriver);
    add(request, request.destination);
  }
  for (const mount of input.mounts ?? []) add(parseMount(mount), mount.Target ?? '');
  const inherited = (input.volumesFrom ?? []).flatMap((from) => inheritMounts(from, mountsOf));
  const kept = new Map(inherited.map((mount) => [mount.point.Destination, mount]));
  for (const target of [...asked.keys(), ...tmpfsTargets]) kept.delete(target);
  for (const target of Object.keys(input.volumes ?? {}).sort()) {
    const destination = mountTarget(target);
    if (asked.has(destination) || kept.has(destination) || tmpfsTargets.has(destination)) continue;
    asked.set(destination, declaredVolume(destination, input.volumeDriver));
  }
  return {
    inherited: [...kept.values()],
    requests: [...asked.values()],
    tmpfs: tmpfs.filter(({ destination }) => !asked.has(destination)),
  };
}

/** `container[:ro|rw]` */
function inheritMounts(from: string, mountsOf: (container: string) => PreparedMount[]): PreparedMount[] {
  if (from === '') throw invalid('volumes-from specification cannot be an empty string');
  const colon = from.indexOf(':');
  const container = colon < 0 ? from : from.slice(0, colon);
  const text = colon < 0 ? '' : from.slice(colon + 1);
  const mode = parseMode(text);
  if (!mode || mode.copy !== undefined) throw invalid(`invalid mode: ${text}`);
  return mountsOf(container).map(({ point, resolved }) => ({
    point: { ...point, Mode: text === 'ro' || text === 'rw' ? '' : text, RW: point.RW && !mode.readOnly },
    resolved: { ...resolved, readOnly: resolved.readOnly || mode.readOnly },
  }));
}

function tmpfsMount(target: string, options: string): ResolvedMount {
  return {
    type: 'tmpfs',
    source: 'tmpfs',
    destination: mountTarget(target),
    readOnly: false,
    propagation: '',
    options: mergeTmpfsOptions(options),
  };
}

function declaredVolume(target: string, driver: string): MountRequest {
  return {
    type: 'volume',
    source: '',
    destination: cleanPath(target),
    mode: '',
    readOnly: false,
    propagation: '',
    copy: true,
    driver,
  };
}
