import type { DiskUsage } from '#api/types/disk-usage.ts';
import type { ProgressMessage } from '#api/types/image.ts';
import type { SystemVersion } from '#api/types/system.ts';
import type { Client } from './client.ts';
import type { FilterValues } from './containers.ts';
import { jsonObjects, jsonTexts } from './json-objects.ts';

export function systemVersion(client: Client): Promise<SystemVersion> {
  return client.json('GET', '/version');
}

export function diskUsage(client: Client): Promise<DiskUsage> {
  return client.json('GET', '/system/df');
}

/** The info object as the daemon wrote it. */
export function systemInfoText(client: Client): Promise<string> {
  return client.text('GET', '/info');
}

export interface EventsQuery {
  /** Seconds since 1970, with a fraction. */
  since?: string;
  until?: string;
  filters?: FilterValues;
}

/** The events as texts of JSON, without end unless there is an `until`. */
export async function systemEvents(client: Client, query: EventsQuery): Promise<AsyncGenerator<string>> {
  const response = await client.request('GET', '/events', { query: { ...query } });
  return jsonTexts(response.body);
}

/** Has the daemon check its store; problems and the summary are the `aux` of the messages (`CheckAux`). */
export async function checkStore(client: Client, query: { repair: boolean }): Promise<AsyncGenerator<ProgressMessage>> {
  const response = await client.request('POST', '/system/check', { query });
  return jsonObjects(response.body);
}
