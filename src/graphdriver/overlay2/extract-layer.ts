import { closeSync, openSync, rmSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder, writeFileDurably } from '#lib/durable-file.ts';
import { fault } from '#lib/write-steps.ts';
import type { Layer, LayerStat } from '../driver.ts';
import { extractTree } from '../tree/extract.ts';
import { readLayer } from '../tree/read-layer.ts';
import { surveyTree } from '../tree/survey.ts';

/** In a layer's folder: its files, and what is known of them. */
export const DIFF = 'diff';
export const STAT_FILE = 'layer.json';

export interface ExtractJob extends Layer {
  /** What the layer's folder will be. */
  folder: string;
  /** On the same file system as `folder`; does not exist yet. */
  draft: string;
}

/**
 * Extracts a layer; durable and complete when it resolves, nothing is left when it rejects. A worker's job. The whole tar
 * is understood, and refused with `invalid` if it is no layer, before the first file is made.
 */
export async function run(job: ExtractJob): Promise<LayerStat> {
  const root = readTar(job);
  const { stat, linked } = surveyTree(root);
  const { draft, folder, tarPath } = job;
  try {
    await mkdir(join(draft, DIFF), { recursive: true, mode: 0o755 });
    const sources = { sources: [tarPath], sourceOf: () => 0 };
    await extractTree(root, { folder: join(draft, DIFF), linked, forOverlay: true, ...sources });
    await writeFileDurably(join(draft, STAT_FILE), JSON.stringify(stat), 0o600);
    await syncFolder(draft);
    fault('layer.extract.write');
    await rename(draft, folder);
    fault('layer.extract.rename');
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    throw error;
  }
  await syncFolder(dirname(folder));
  return stat;
}

function readTar({ tarPath, size }: Layer) {
  const tar = openSync(tarPath, 'r');
  try {
    return readLayer(tar, size);
  } finally {
    closeSync(tar);
  }
}
