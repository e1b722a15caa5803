import { stat } from 'node:fs/promises';
import { errnoCode, notFound } from '#errors/errors.ts';
import type { Layer } from './driver.ts';

/**
 * A layer as it lies in the content store; its padding counts as part of it, which changes nothing in what it means.
 * Throws `not-found` (code `LAYER_MISSING`).
 */
export async function storedLayer(diffId: string, tarPath: string): Promise<Layer> {
  try {
    return { diffId, tarPath, size: (await stat(tarPath)).size };
  } catch (cause) {
    if (errnoCode(cause) !== 'ENOENT') throw cause;
    throw notFound(`layer ${diffId} is not in the content store (${tarPath})`, { code: 'LAYER_MISSING', cause });
  }
}
