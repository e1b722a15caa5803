import type { NodeId, NodeStore } from '../tree/node-store.ts';

/**
 * Puts the tree of a layer over the tree `below`, which becomes what overlayfs would show: a directory over a directory
 * is one with the upper one's attributes, whiteouts and opaque directories hide what is below and are gone.
 */
export function mergeTree(store: NodeStore, below: NodeId, layer: NodeId): void {
  const todo: [NodeId, NodeId][] = [[below, layer]];
  for (let pair = todo.pop(); pair; pair = todo.pop()) {
    const [lower, upper] = pair;
    const attributes = store.get(upper);
    if (attributes.opaque) store.empty(lower);
    store.set(lower, { ...attributes, opaque: false });
    for (const entry of store.entries(upper)) {
      const [name, node] = [store.nameOf(entry), store.nodeOf(entry)];
      if (store.isDirectory(node)) {
        todo.push([mergedDirectory(store, lower, name, node), node]);
        continue;
      }
      store.unlink(lower, name);
      if (!store.isWhiteout(node)) store.link(lower, name, node);
    }
  }
}

/** The directory under a name, a new one if there is none. */
function mergedDirectory(store: NodeStore, parent: NodeId, name: string, upper: NodeId): NodeId {
  const hidden = store.find(parent, name);
  if (hidden !== undefined && store.isDirectory(hidden)) return hidden;
  store.unlink(parent, name);
  const made = store.add(store.get(upper));
  store.link(parent, name, made);
  return made;
}
