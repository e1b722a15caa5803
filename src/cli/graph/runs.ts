import type { GraphImage, GraphLayer, ImageGraph } from '#api/types/image-graph.ts';

/** Layers one over the other that no other image shares in part: people look at them as one. */
export interface Run {
  /** Bottom first. */
  layers: GraphLayer[];
  /** Bytes of their files. */
  size: number;
  /** Images whose topmost layer is the run's. */
  images: GraphImage[];
  /** What stands on its topmost layer. */
  above: Run[];
}

/** The graph as a forest of runs, and the images that have no layer. */
export function runsOf({ Layers, Images }: ImageGraph): { roots: Run[]; bare: GraphImage[] } {
  const above = Map.groupBy(Layers, ({ Parent }) => Parent);
  const images = Map.groupBy(Images, ({ Layer }) => Layer);
  const runFrom = (lowest: GraphLayer): Run => {
    const layers = [lowest];
    for (;;) {
      const top = layers.at(-1)!;
      const next = above.get(top.Id) ?? [];
      const standing = images.get(top.Id) ?? [];
      if (next.length === 1 && standing.length === 0) layers.push(next[0]!);
      else return { layers, size: total(layers), images: standing, above: next.map(runFrom) };
    }
  };
  return { roots: (above.get('') ?? []).map(runFrom), bare: images.get('') ?? [] };
}

/** Bytes of the files of some layers or images. */
export function total(items: readonly { Size: number }[]): number {
  return items.reduce((sum, { Size }) => sum + Size, 0);
}
