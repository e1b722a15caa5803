import type { LayerStat } from '../driver.ts';
import type { DirectoryNode, LayerNode } from './layer-node.ts';

/** What must be known of a tree before it is written out. */
export interface Survey {
  stat: LayerStat;
  /** The nodes that have several names. */
  linked: ReadonlySet<LayerNode>;
}

/** Numbers the nodes on the way. */
export function surveyTree(root: DirectoryNode): Survey {
  const nodes: LayerNode[] = [root];
  root.number = 0;
  const linked = new Set<LayerNode>();
  let size = 0;
  for (let number = 0; number < nodes.length; number++) {
    const node = nodes[number]!;
    size += node.size;
    node.children?.forEach((child) => {
      if (nodes[child.number] === child) linked.add(child);
      else child.number = nodes.push(child) - 1;
    });
  }
  return { stat: { size, entries: nodes.length }, linked };
}
