import { rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder, writeFileDurably } from '#lib/durable-file.ts';
import type { LayerStat } from '../driver.ts';
import { extractTree } from '../tree/extract.ts';
import type { NodeId, NodeStore } from '../tree/node-store.ts';
import { surveyTree } from '../tree/survey.ts';

/** In a layer's folder: its files, and what is known of them. */
export const DIFF = 'diff';
export const STAT_FILE = 'layer.json';

/**
 * Writes a layer whose tree is complete out into the new folder `path`, with content from the file `tarPath`; on the disk when
 * it resolves, nothing is left when it rejects. Throws as `extractTree`.
 */
export async function writeLayer(store: NodeStore, root: NodeId, path: string, tarPath: string): Promise<LayerStat> {
  store.endNames();
  const stat = surveyTree(store, root);
  try {
    for (const folder of [path, join(path, DIFF)]) await mkdir(folder, { mode: 0o755 });
    const sources = { sources: [tarPath], sourceOf: () => 0 };
    await extractTree(store, root, { folder: join(path, DIFF), forOverlay: true, ...sources });
    await writeFileDurably(join(path, STAT_FILE), JSON.stringify(stat), 0o600);
    await syncFolder(path);
    return stat;
  } catch (error) {
    rmSync(path, { recursive: true, force: true });
    throw error;
  }
}
