import type { BindOptions, Mount } from '#api/types/mount.ts';
import { invalid } from '#errors/errors.ts';
import { isPropagation } from './mount-mode.ts';
import type { MountRequest } from './mount-request.ts';
import { cleanPath, mountTarget, notAbsolute } from './mount-target.ts';
import { tmpfsMountOptions } from './tmpfs-options.ts';
import { checkVolumeName } from './volume-name.ts';

/** Reads an entry of `HostConfig.Mounts` (`--mount`). Throws `invalid` in Docker's words. */
export function parseMount(mount: Mount): MountRequest {
  if (mount.Type === 'bind') return bindMount(mount);
  if (mount.Type === 'volume') return volumeMount(mount);
  if (mount.Type === 'tmpfs') return tmpfsMount(mount);
  if (mount.Type === 'image') return imageMount(mount);
  throw wrong(mount, 'mount type unknown');
}

function bindMount(mount: Mount): MountRequest {
  const { Source: source = '', BindOptions: options = {} } = mount;
  refuseOptions(mount, 'VolumeOptions', 'TmpfsOptions', 'ImageOptions');
  const destination = mountTarget(mount.Target ?? '', prefixOf(mount));
  if (source === '') throw wrong(mount, 'field Source must not be empty');
  if (options.Propagation && !isPropagation(options.Propagation)) {
    throw wrong(mount, `invalid propagation mode: ${options.Propagation}`);
  }
  if (!source.startsWith('/')) throw wrong(mount, notAbsolute(source));
  checkRecursion(mount, options);
  return {
    type: 'bind',
    source: cleanPath(source),
    destination,
    mode: '',
    readOnly: mount.ReadOnly ?? false,
    propagation: options.Propagation ?? '',
    createSource: options.CreateMountpoint ?? false,
    nonRecursive: options.NonRecursive ?? false,
    readOnlyNonRecursive: options.ReadOnlyNonRecursive ?? false,
    readOnlyForceRecursive: options.ReadOnlyForceRecursive ?? false,
  };
}

function checkRecursion(mount: Mount, options: BindOptions): void {
  const conflict = (what: string) => invalid(`mount options conflict: ${what}`);
  if (options.ReadOnlyNonRecursive && !mount.ReadOnly) throw conflict('!ReadOnly && BindOptions.ReadOnlyNonRecursive');
  if (!options.ReadOnlyForceRecursive) return;
  if (!mount.ReadOnly) throw conflict('!ReadOnly && BindOptions.ReadOnlyForceRecursive');
  if (options.ReadOnlyNonRecursive) throw conflict('ReadOnlyNonRecursive && BindOptions.ReadOnlyForceRecursive');
}

function volumeMount(mount: Mount): MountRequest {
  const { Source: name = '', VolumeOptions: options = {} } = mount;
  refuseOptions(mount, 'BindOptions', 'TmpfsOptions', 'ImageOptions');
  const destination = mountTarget(mount.Target ?? '', prefixOf(mount));
  if (name === '' && mount.ReadOnly) {
    throw wrong(mount, 'must not set ReadOnly mode when using anonymous volumes');
  }
  if (options.Subpath) checkSubpath(mount, options.Subpath);
  if (name !== '') checkVolumeName(name);
  return {
    type: 'volume',
    source: name,
    destination,
    mode: 'z',
    readOnly: mount.ReadOnly ?? false,
    propagation: '',
    copy: !options.NoCopy && !options.Subpath,
    ...(options.Subpath && { subpath: options.Subpath }),
    driver: options.DriverConfig?.Name ?? '',
    labels: options.Labels,
    driverOptions: options.DriverConfig?.Options,
  };
}

function checkSubpath(mount: Mount, subpath: string): void {
  if (!mount.Source) throw wrong(mount, 'must not set Subpath when using anonymous volumes');
  if (!isBelow(subpath)) throw wrong(mount, 'subpath must be a relative path within the volume');
}

function isBelow(subpath: string): boolean {
  const clean = cleanPath(subpath);
  return !subpath.startsWith('/') && clean !== '..' && !clean.startsWith('../');
}

/** The files of an image, which nobody can change there. */
function imageMount(mount: Mount): MountRequest {
  const { Source: source = '', ImageOptions: { Subpath: subpath } = {} } = mount;
  refuseOptions(mount, 'BindOptions', 'VolumeOptions', 'TmpfsOptions');
  if (source === '') throw wrong(mount, 'field Source must not be empty');
  if (subpath && !isBelow(subpath)) throw wrong(mount, 'subpath must be a relative path within the image');
  return {
    type: 'image',
    source,
    destination: mountTarget(mount.Target ?? '', prefixOf(mount)),
    mode: '',
    readOnly: true,
    propagation: '',
    ...(subpath && { subpath }),
  };
}

function tmpfsMount(mount: Mount): MountRequest {
  refuseOptions(mount, 'BindOptions', 'VolumeOptions', 'ImageOptions');
  if (mount.Source) throw wrong(mount, 'field Source must not be specified');
  return {
    type: 'tmpfs',
    source: '',
    destination: mountTarget(mount.Target ?? '', prefixOf(mount)),
    mode: '',
    readOnly: mount.ReadOnly ?? false,
    propagation: '',
    tmpfsOptions: tmpfsMountOptions(mount.TmpfsOptions ?? {}, mount.ReadOnly ?? false),
  };
}

function refuseOptions(
  mount: Mount,
  ...fields: ('BindOptions' | 'VolumeOptions' | 'TmpfsOptions' | 'ImageOptions')[]
): void {
  for (const field of fields) {
    if (mount[field]) throw invalid(`${field} must not be specified on mount type "${mount.Type}"`);
  }
}

function prefixOf(mount: Mount): string {
  return `invalid mount config for type "${mount.Type ?? ''}": `;
}

function wrong(mount: Mount, why: string) {
  return invalid(`${prefixOf(mount)}${why}`);
}
