import { closeSync, openSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder, writeFileDurably } from '#lib/durable-file.ts';
import { fault } from '#lib/write-steps.ts';
import type { Layer, LayerStat } from '../driver.ts';
import { describeTree } from '../tree/describe-tree.ts';
import { readLayer } from '../tree/read-layer.ts';
import { surveyTree } from '../tree/survey.ts';

export interface NoteJob extends Layer {
  /** The note that the layer is sound, a LayerStat as JSON. */
  note: string;
  /** On the same file system as `note`; does not exist yet. */
  draft: string;
}

/** Finds out whether a layer can be written out, and notes it durably. A worker's job. Throws `invalid` if it cannot. */
export async function run(job: NoteJob): Promise<LayerStat> {
  const stat = examine(job);
  try {
    await writeFileDurably(job.draft, JSON.stringify(stat), 0o600);
    fault('layer.note.write');
    await rename(job.draft, job.note);
    fault('layer.note.rename');
  } catch (error) {
    await rm(job.draft, { force: true });
    throw error;
  }
  await syncFolder(dirname(job.note));
  return stat;
}

function examine({ tarPath, size }: Layer): LayerStat {
  const tar = openSync(tarPath, 'r');
  try {
    const root = readLayer(tar, size);
    const { stat, linked } = surveyTree(root);
    const description = describeTree(root, { linked, forOverlay: false, sourceOf: () => 0 });
    while (!description.next().done);
    return stat;
  } finally {
    closeSync(tar);
  }
}
