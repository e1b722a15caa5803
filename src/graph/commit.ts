import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { writeError } from '#content/blob-writer.ts';
import { sealBlob } from '#content/seal-blob.ts';
import { errnoCode } from '#errors/errors.ts';
import type { Image } from '#image/image.ts';
import { fault } from '#lib/write-steps.ts';
import { createImage, type NewImageRequest } from './create.ts';
import type { GraphState } from './state.ts';

/**
 * Makes an image whose new layer `writeTar` writes into the descriptor that it is given. Otherwise as `createImage`;
 * throws what `writeTar` throws, too.
 */
export async function commitImage(
  state: GraphState,
  request: Omit<NewImageRequest, 'layer'>,
  writeTar: (to: number) => Promise<void>,
): Promise<Image> {
  const folder = await state.content.beginIngest();
  try {
    const path = join(folder, 'layer');
    await writeFile(path, writeTar);
    return await createImage(state, { ...request, layer: await sealBlob(path) });
  } finally {
    await state.content.endIngest(folder);
  }
}

async function writeFile(path: string, write: (to: number) => Promise<void>): Promise<void> {
  const file = await open(path, 'wx', 0o400);
  fault('blob.create');
  try {
    await write(file.fd);
    fault('blob.write');
  } catch (error) {
    const code = errnoCode(error);
    throw code === 'ENOSPC' || code === 'EDQUOT' ? writeError(path, error) : error;
  } finally {
    await file.close();
  }
}
