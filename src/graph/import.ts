import { join } from 'node:path';
import { EMPTY_CONFIG } from '#api/types/container-config.ts';
import type { OciPlatform } from '#api/types/image.ts';
import { applyChanges } from '#dockerfile/changes.ts';
import { invalid } from '#errors/errors.ts';
import type { Image } from '#image/image.ts';
import { createImage } from './create.ts';
import { feedWorker } from './feed-worker.ts';
import type { LayerBlob } from './layer-blob.ts';
import type { GraphState } from './state.ts';
import { targetReference } from './tag.ts';

export interface ImportRequest {
  /** The name of the image, as people write it; empty = none. It may carry a tag, which `tag` overrides. */
  repo: string;
  tag: string;
  message: string;
  /** Dockerfile instructions, see `applyChanges`. */
  changes: readonly string[];
  /** Default: this machine's. */
  platform?: OciPlatform;
}

const WORKER = new URL('./layer-worker.ts', import.meta.url);

/** What is wrong with a request before a byte of the source is read. Throws `invalid` in Docker's words. */
export function checkImport({ repo, tag, changes, platform }: ImportRequest): void {
  if (platform && platform.os !== 'linux') throw invalid('operating system is not supported');
  if (repo !== '') targetReference({ repo, tag });
  applyChanges(EMPTY_CONFIG, changes);
}

/**
 * Makes an image of one layer: the tar that `source` is, plain or compressed. Throws `invalid` for what is no tar or
 * cannot be a layer, `cancelled` when `signal` fires; nothing is left then.
 */
export async function importImage(
  state: GraphState,
  source: AsyncIterable<Uint8Array>,
  request: ImportRequest,
  signal?: AbortSignal,
): Promise<Image> {
  checkImport(request);
  const { repo, tag, message, changes, platform } = request;
  const folder = await state.content.beginIngest();
  try {
    const input = { path: join(folder, 'layer') };
    const layer = await feedWorker<LayerBlob>(state.loaders, WORKER, input, source, { signal });
    if (!layer.isTar) throw invalid('the source is not a tar archive', { hint: 'plain, gzip, bzip2, xz or zstd' });
    return await createImage(state, {
      layer,
      config: applyChanges(EMPTY_CONFIG, changes),
      comment: message,
      platform,
      reference: repo === '' ? undefined : targetReference({ repo, tag }),
      action: 'import',
    });
  } finally {
    await state.content.endIngest(folder);
  }
}
