import type { Refuse } from '#archive/tar-fields.ts';
import { quote } from '#archive/tar-sequence.ts';
import { invalid } from '#errors/errors.ts';
import type { LayerNode } from './layer-node.ts';

/** Refuses a node of a tree, by one of its names and the place of the entry that described it. */
export function refuseNode({ headerOffset }: LayerNode, name: () => string): Refuse {
  return (problem) =>
    invalid(`tar entry ${quote(name())} at offset ${headerOffset}: ${problem}`, { code: 'LAYER_INVALID' });
}
