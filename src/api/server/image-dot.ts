import type { GraphImage, GraphLayer, ImageGraph } from '#api/types/image-graph.ts';
import { shortId } from '#lib/digest.ts';

/**
 * The graph in Graphviz's language: layers are ellipses over the ones that they stand on, an image is a box at its topmost
 * layer, and a dashed line leads to it from the image that it was made from.
 */
export function imageDot({ Layers, Images }: ImageGraph): string {
  const lines = [...Layers.flatMap(layerLines), ...Images.flatMap(imageLines)];
  return ['digraph docker {', ' base [style=invisible]', ...lines.map((line) => ` ${line}`), '}', ''].join('\n');
}

/** Layers and images have names of their own: an image may have the digest of no layer, but a prefix is short. */
const layerName = (chainId: string) => (chainId === '' ? 'base' : `"layer ${shortId(chainId)}"`);
const imageName = (id: string) => `"image ${shortId(id)}"`;

function layerLines({ Id, Parent, Size }: GraphLayer): string[] {
  const hidden = Parent === '' ? ' [style=invis]' : '';
  return [
    `${layerName(Parent)} -> ${layerName(Id)}${hidden}`,
    `${layerName(Id)} [label=${quoted(shortId(Id), `${Size} bytes`)}]`,
  ];
}

function imageLines({ Id, ParentId, Layer, Names }: GraphImage): string[] {
  const style = 'shape=box,fillcolor="paleturquoise",style="filled,rounded"';
  return [
    `${layerName(Layer)} -> ${imageName(Id)}${Layer === '' ? ' [style=invis]' : ''}`,
    `${imageName(Id)} [label=${quoted(shortId(Id), ...Names)},${style}]`,
    ...(ParentId ? [`${imageName(ParentId)} -> ${imageName(Id)} [style=dashed]`] : []),
  ];
}

/** Lines of a label. References hold neither quotes nor backslashes. */
const quoted = (...lines: string[]) => `"${lines.join('\\n')}"`;
