import type { Volume, VolumeCreateRequest, VolumeListResponse } from '#api/types/volume.ts';
import type { Client } from './client.ts';
import type { FilterValues } from './containers.ts';

const pathOf = (volume: string) => `/volumes/${encodeURIComponent(volume)}`;

export function listVolumes(client: Client, filters: FilterValues): Promise<VolumeListResponse> {
  return client.json('GET', '/volumes', { query: { filters: Object.keys(filters).length > 0 ? filters : undefined } });
}

/** The inspect object as the daemon wrote it. */
export function inspectVolumeText(client: Client, volume: string): Promise<string> {
  return client.text('GET', pathOf(volume));
}

export function createVolume(client: Client, request: VolumeCreateRequest): Promise<Volume> {
  return client.json('POST', '/volumes/create', { json: request });
}

export async function removeVolume(client: Client, volume: string, force: boolean): Promise<void> {
  await client.text('DELETE', pathOf(volume), { query: { force } });
}
