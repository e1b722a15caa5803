import type { LayerStat } from '../driver.ts';
import { note } from './node-record.ts';
import type { NodeId, NodeStore } from './node-store.ts';

/** What must be known of a tree before it is written out; notes how many links each node has. */
export function surveyTree(store: NodeStore, root: NodeId): LayerStat {
  const directories = [root];
  let entries = 1;
  let size = 0;
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    for (const entry of store.entries(directory)) {
      const node = store.nodeOf(entry);
      const links = store.noteOf(node, note.links) + 1;
      store.setNote(node, note.links, links);
      if (links > 1) continue;
      entries++;
      size += store.fileSize(node);
      if (store.isDirectory(node)) directories.push(node);
    }
  }
  return { size, entries };
}
