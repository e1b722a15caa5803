import { type DirectoryNode, isDirectory, isWhiteout, type LayerNode } from '../tree/layer-node.ts';

/**
 * Puts the tree of a layer over the tree `below`, which becomes what overlayfs would show: a directory over a directory
 * is one with the upper one's attributes, whiteouts and opaque directories hide what is below and are gone.
 */
export function mergeTree(below: DirectoryNode, layer: DirectoryNode): void {
  const todo: [DirectoryNode, DirectoryNode][] = [[below, layer]];
  for (let pair = todo.pop(); pair; pair = todo.pop()) {
    const [lower, upper] = pair;
    const children = upper.opaque ? new Map<string, LayerNode>() : lower.children;
    for (const [name, node] of upper.children) {
      const hidden = children.get(name);
      if (isWhiteout(node)) {
        children.delete(name);
      } else if (isDirectory(node)) {
        const merged: DirectoryNode = hidden && isDirectory(hidden) ? hidden : { ...node, children: new Map() };
        children.set(name, merged);
        todo.push([merged, node]);
      } else {
        children.set(name, node);
      }
    }
    Object.assign(lower, upper, { children, opaque: false });
  }
}
