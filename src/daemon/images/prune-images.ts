import type { ImagePruneResponse } from '#api/types/image.ts';
import type { Filters } from '#lib/filters.ts';
import type { Engine } from '../engine.ts';

/** `POST /images/prune`. Rejects as `Graph.prune` does. */
export async function pruneImages({ graph, events }: Engine, filters: Filters): Promise<ImagePruneResponse> {
  const report = await graph.prune(filters);
  events.publish('image', 'prune', '', { reclaimed: String(report.SpaceReclaimed) });
  return report;
}
