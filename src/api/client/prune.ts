import type { ImageDeleteResponseItem } from '#api/types/image.ts';
import type { Client } from './client.ts';
import type { FilterValues } from './containers.ts';

/** What can be pruned, as the route's path names it. */
export type Prunable = 'containers' | 'networks' | 'volumes' | 'images' | 'build';

export interface PruneReport {
  /** Ids and names; of images what was untagged and deleted. */
  deleted: (string | ImageDeleteResponseItem)[];
  /** Bytes. */
  reclaimed: number;
}

/** Removes what nobody uses. The reply's list has another name for each kind: `ContainersDeleted`, ... */
export async function prune(client: Client, kind: Prunable, filters: FilterValues = {}): Promise<PruneReport> {
  const query = { filters: Object.keys(filters).length > 0 ? filters : undefined };
  const reply = await client.json<Record<string, unknown>>('POST', `/${kind}/prune`, { query });
  const [, deleted] = Object.entries(reply).find(([name]) => name.endsWith('Deleted')) ?? [];
  return {
    deleted: (deleted as PruneReport['deleted'] | null) ?? [],
    reclaimed: Number(reply.SpaceReclaimed ?? 0),
  };
}
