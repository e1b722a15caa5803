import type { ContainerStore } from '#container/store.ts';
import type { ImageUser } from '#graph/graph.ts';

/** The containers made from an image, for the rules of image removal. */
export function imageUsers(containers: ContainerStore, imageId: string): ImageUser[] {
  return [...containers]
    .filter(({ record }) => record.imageId === imageId)
    .map((container) => ({ containerId: container.id, running: container.running }));
}
