import { runInWorker } from '#lib/worker-pool.ts';
import type { Layer, LayerStat, LayerVerdict } from './driver.ts';

const examineJob = new URL('./tree/examine-layer.ts', import.meta.url);

/**
 * `GraphDriver.verifyLayer` of a driver that keeps a note of what a layer holds, `read` in the words that the tar has for
 * it; undefined = there is no note. Files that were extracted are not looked at.
 */
export async function verifyNote(
  layer: Layer,
  read: () => Promise<LayerStat | undefined>,
  signal?: AbortSignal,
): Promise<LayerVerdict> {
  const { tarPath, size } = layer;
  const stat = await runInWorker<LayerStat>(examineJob, { tarPath, size }, { signal });
  const problem = await compare(read, stat);
  return { ...(problem && { problem }), stat };
}

async function compare(read: () => Promise<LayerStat | undefined>, stat: LayerStat): Promise<string | undefined> {
  try {
    const noted = await read();
    if (!noted) return 'is missing';
    return noted.size === stat.size && noted.entries === stat.entries
      ? undefined
      : 'is of other files than the tar has';
  } catch (error) {
    if (error instanceof SyntaxError) return 'is damaged';
    throw error;
  }
}
