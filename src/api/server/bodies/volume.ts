import type { VolumeCreateRequest } from '#api/types/volume.ts';
import { type Decoder, map, string, struct } from '../decode.ts';

/** How the body of `POST /volumes/create` is decoded. */
export const volumeCreateRequest: Decoder<VolumeCreateRequest> = struct<VolumeCreateRequest>('VolumeCreateRequest', {
  Name: string,
  Driver: string,
  DriverOpts: map(string),
  Labels: map(string),
});
