import type { GraphLayer, ImageGraph } from '#api/types/image-graph.ts';
import { chainIdOver, type Digest } from '#lib/digest.ts';
import { familiarReference } from '#lib/reference.ts';
import type { GraphState } from './state.ts';

/** A layer in its place, and those that stand on it by their diffIDs. */
interface Place {
  chainId: Digest | '';
  above: Map<Digest, Place>;
}

/** All images and the layers that they stand on. Images that share the lower part of their chains meet in it. */
export function imageGraph(state: GraphState): ImageGraph {
  const bottom: Place = { chainId: '', above: new Map() };
  const layers: GraphLayer[] = [];
  const images = [...state.images.values()].map(({ image, parent }) => {
    let place = bottom;
    for (const [at, diffId] of image.diffIds.entries()) {
      place = stepUp(place, diffId, (above) =>
        layers.push({ Id: above, DiffId: diffId, Parent: place.chainId, Size: image.layerSizes[at]! }),
      );
    }
    return {
      Id: image.id,
      ParentId: parent && state.images.has(parent) ? parent : '',
      Layer: place.chainId,
      Names: state.references.of(image.id).map(familiarReference),
      Size: image.size,
      Containers: state.users(image.id).length,
    };
  });
  return { Layers: layers, Images: images };
}

function stepUp(place: Place, diffId: Digest, onNew: (chainId: Digest) => void): Place {
  const known = place.above.get(diffId);
  if (known) return known;
  const above: Place = { chainId: chainIdOver(place.chainId, diffId), above: new Map() };
  place.above.set(diffId, above);
  onNew(above.chainId as Digest);
  return above;
}
