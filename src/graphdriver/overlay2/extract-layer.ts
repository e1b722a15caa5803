import { closeSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Layer, LayerStat } from '../driver.ts';
import { NodeStore } from '../tree/node-store.ts';
import { readLayer } from '../tree/read-layer.ts';
import { writeLayer } from './write-layer.ts';

export interface ExtractJob extends Omit<Layer, 'prepared'> {
  /** The folder to make; nothing is there yet. */
  path: string;
}

/**
 * Extracts a layer; durable and complete when it resolves, nothing is left when it rejects. A worker's job. The whole tar
 * is understood, and refused with `invalid` if it is no layer, before the first file is made.
 */
export async function run({ tarPath, size, path }: ExtractJob): Promise<LayerStat> {
  using store = new NodeStore(dirname(tarPath));
  const tar = openSync(tarPath, 'r');
  try {
    return await writeLayer(store, readLayer(store, tar, size), path, tarPath);
  } finally {
    closeSync(tar);
  }
}
