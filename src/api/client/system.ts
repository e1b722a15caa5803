import type { DiskUsage } from '#api/types/disk-usage.ts';
import type { SystemVersion } from '#api/types/system.ts';
import type { Client } from './client.ts';
import type { FilterValues } from './containers.ts';
import { jsonTexts } from './json-objects.ts';

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
