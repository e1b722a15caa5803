import type { OciPlatform } from '#api/types/image.ts';
import { encodeTarHeader, TAR_END, tarPadding } from '#archive/tar-writer.ts';
import { describe, isEngineError, system } from '#errors/errors.ts';
import type { Image } from '#image/image.ts';
import type { Digest } from '#lib/digest.ts';
import { filePieces } from '#lib/file-pieces.ts';
import { formatReference, type Reference } from '#lib/reference.ts';
import { findImage, namedReference, wholeRepository } from './lookup.ts';
import { refuseOtherPlatform } from './refuse-platform.ts';
import { publish } from './register.ts';
import { archiveFiles, type SavedFile, type SavedImage, type SavedLayer } from './save-archive.ts';
import type { GraphState } from './state.ts';

interface Selected {
  image: Image;
  /** By their full form. */
  references: Map<string, Reference>;
}

/**
 * An archive of the images that `names` mean: a reference, an id, or a repository without tag (all of its tags). What
 * is wrong with an image is thrown before the first byte: `not-found`, or `system` (code `BLOB_CORRUPT`) when its
 * files are not whole. The layers' tars go out as they lie on the disk, and stay there until the archive is read. A piece
 * of 64 KiB or more is valid until the next one is asked for.
 */
export async function saveImages(
  state: GraphState,
  names: readonly string[],
  platforms: readonly OciPlatform[] = [],
): Promise<AsyncIterable<Buffer>> {
  const selected = new Map<Digest, Selected>();
  for (const name of names) select(state, selected, name, platforms);
  const images: SavedImage[] = [];
  for (const one of selected.values()) images.push(await readImage(state, one));
  for (const { image } of selected.values()) publish(state, 'save', image, image.id);
  return writeArchive(state, images);
}

function select(
  state: GraphState,
  selected: Map<Digest, Selected>,
  name: string,
  platforms: readonly OciPlatform[],
): void {
  const add = (image: Image, reference?: Reference) => {
    refuseOtherPlatform(image, name, platforms);
    const one = selected.get(image.id) ?? { image, references: new Map() };
    selected.set(image.id, one);
    if (reference?.tag) one.references.set(formatReference(reference), reference);
  };
  const repository = wholeRepository(state, name);
  if (repository.length > 0) {
    for (const reference of repository) {
      add(state.images.get(state.references.imageOf(reference)!)!.image, reference);
    }
  } else {
    const { image } = findImage(state, name);
    const reference = namedReference(name);
    add(image, reference && state.references.imageOf(reference) === image.id ? reference : undefined);
  }
}

async function readImage(state: GraphState, { image, references }: Selected): Promise<SavedImage> {
  const shown = references.keys().next().value ?? image.id;
  const config = await state.content.read(image.id).catch((error) => throwBroken(shown, error));
  const layers = image.diffIds.map((diffId) => ({ diffId, size: state.layers.info(diffId)!.size }));
  for (const { diffId, size } of layers) {
    const found = await state.content.size(diffId).catch((error) => throwBroken(shown, error));
    if (found < size) throw broken(shown, `its layer ${diffId} has ${found} of ${size} bytes`);
  }
  return { id: image.id, config, layers, references: [...references.values()] };
}

async function* writeArchive(state: GraphState, images: readonly SavedImage[]): AsyncGenerator<Buffer, void, void> {
  const diffIds = images.flatMap(({ layers }) => layers.map(({ diffId }) => diffId));
  for (const diffId of diffIds) state.layers.pin(diffId);
  try {
    for (const folder of ['blobs/', 'blobs/sha256/']) yield encodeTarHeader({ type: 'directory', name: folder });
    for (const file of archiveFiles(images)) yield* writeFile(state, file);
    yield TAR_END;
  } finally {
    await state.layers.unpin(diffIds);
  }
}

async function* writeFile(state: GraphState, file: SavedFile): AsyncGenerator<Buffer, void, void> {
  const size = 'layer' in file ? file.layer.size : file.bytes.length;
  yield encodeTarHeader({ type: 'file', name: file.path, size });
  if ('layer' in file) yield* readLayer(state, file.layer);
  else yield file.bytes;
  yield tarPadding(size);
}

async function* readLayer(state: GraphState, { diffId, size }: SavedLayer): AsyncGenerator<Buffer, void, void> {
  let left = size;
  for await (const piece of filePieces(state.content.pathOf(diffId), size)) {
    left -= piece.length;
    yield piece;
  }
  if (left > 0) throw broken(`layer ${diffId}`, `it is ${left} bytes too short`);
}

function throwBroken(name: string, error: unknown): never {
  if (isEngineError(error, 'not-found') || isEngineError(error, 'system')) throw broken(name, describe(error));
  throw error;
}

function broken(name: string, why: string): Error {
  return system(`cannot save ${name}: ${why}`, {
    code: 'BLOB_CORRUPT',
    hint: 'remove the image and load or pull it again',
  });
}
