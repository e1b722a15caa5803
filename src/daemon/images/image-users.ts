import type { ContainerStore } from '#container/store.ts';
import type { ImageUser } from '#graph/graph.ts';

/** The containers made from an image, or with it mounted, for the rules of image removal. */
export function imageUsers(containers: ContainerStore, imageId: string): ImageUser[] {
  return [...containers]
    .filter(({ record: { imageId: own, imageMounts = [] } }) =>
      [own, ...imageMounts.map((mount) => mount.imageId)].includes(imageId),
    )
    .map((container) => ({ containerId: container.id, running: container.active }));
}
