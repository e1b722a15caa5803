import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder, writeFileDurably } from '#lib/durable-file.ts';
import { fault } from '#lib/write-steps.ts';
import type { Layer, LayerStat } from '../driver.ts';
import { run as examineLayer } from '../tree/examine-layer.ts';

export interface NoteJob extends Layer {
  /** The note that the layer is sound, a LayerStat as JSON. */
  note: string;
  /** On the same file system as `note`; does not exist yet. */
  draft: string;
}

/** Finds out whether a layer can be written out, and notes it durably. A worker's job. Throws `invalid` if it cannot. */
export async function run(job: NoteJob): Promise<LayerStat> {
  const stat = examineLayer(job);
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
