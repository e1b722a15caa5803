import { setTimeout as sleep } from 'node:timers/promises';
import type { ImageDeleteResponseItem } from '#api/types/image.ts';
import type { Engine } from '../engine.ts';

/** Milliseconds. A container that needs longer takes its layers along itself when it is gone. */
const PATIENCE = 2000;

/**
 * `DELETE /images/{name}`. Containers of the image whose removal was answered a moment ago may still stand on its layers:
 * they are waited for, so that the layers go with the image and stand in the answer. Rejects as `Graph.remove` does.
 */
export async function removeImage(
  engine: Engine,
  name: string,
  options: { force: boolean; noprune: boolean },
): Promise<ImageDeleteResponseItem[]> {
  const left = engine.containers.untilLeft(engine.graph.get(name).diffIds);
  await Promise.race([left, sleep(PATIENCE, undefined, { ref: false })]);
  return engine.graph.remove(name, options);
}
