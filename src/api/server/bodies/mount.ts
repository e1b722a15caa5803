import type { BindOptions, Mount, TmpfsOptions, VolumeOptions } from '#api/types/mount.ts';
import {
  boolean,
  type Decoder,
  int64,
  integer,
  list,
  map,
  omitEmpty,
  optional,
  string,
  struct,
  word,
} from '../decode.ts';

/** A mount of `HostConfig.Mounts`. */
export const mount: Decoder<Mount> = struct<Mount>('Mount', {
  Type: omitEmpty(word<NonNullable<Mount['Type']>>()),
  Source: omitEmpty(string),
  Target: omitEmpty(string),
  ReadOnly: omitEmpty(boolean),
  Consistency: omitEmpty(string),
  BindOptions: optional(
    struct<BindOptions>('BindOptions', {
      Propagation: omitEmpty(word<NonNullable<BindOptions['Propagation']>>()),
      NonRecursive: omitEmpty(boolean),
      CreateMountpoint: omitEmpty(boolean),
      ReadOnlyNonRecursive: omitEmpty(boolean),
      ReadOnlyForceRecursive: omitEmpty(boolean),
    }),
  ),
  VolumeOptions: optional(
    struct<VolumeOptions>('VolumeOptions', {
      NoCopy: omitEmpty(boolean),
      Labels: omitEmpty(map(string)),
      Subpath: omitEmpty(string),
      DriverConfig: optional(
        struct<NonNullable<VolumeOptions['DriverConfig']>>('Driver', {
          Name: omitEmpty(string),
          Options: omitEmpty(map(string)),
        }),
      ),
    }),
  ),
  ImageOptions: optional(struct<{ Subpath?: string }>('ImageOptions', { Subpath: omitEmpty(string) })),
  TmpfsOptions: optional(
    struct<TmpfsOptions>('TmpfsOptions', {
      SizeBytes: omitEmpty(int64),
      Mode: omitEmpty(integer),
      Options: omitEmpty(list(list(string)) as Decoder<string[][] | null>),
    }),
  ),
});
