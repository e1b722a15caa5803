import type { LayerStat } from '../driver.ts';
import { type DirectoryNode, isDirectory, type LayerNode } from './layer-node.ts';

/** What must be known of a tree before it is written out. */
export interface Survey {
  stat: LayerStat;
  /** The nodes that have several names. */
  linked: ReadonlySet<LayerNode>;
}

export function surveyTree(root: DirectoryNode): Survey {
  const seen = new Set<LayerNode>([root]);
  const linked = new Set<LayerNode>();
  let size = 0;
  for (const node of seen) {
    size += node.size;
    if (!isDirectory(node)) continue;
    for (const child of node.children.values()) {
      if (seen.has(child)) linked.add(child);
      seen.add(child);
    }
  }
  return { stat: { size, entries: seen.size }, linked };
}
