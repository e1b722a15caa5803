import { describe } from '#errors/errors.ts';
import { type Image, makeImage } from '#image/image.ts';
import type { Digest } from '#lib/digest.ts';
import { dropImage, loseManifest } from '../adopt.ts';
import { restoreOne } from '../restore.ts';
import type { GraphState } from '../state.ts';
import { type GraphCheck, imageName, readBlob, throwIfCancelled } from './graph-check.ts';

type Row = { config_size: number };

/** Verifies every image that a row names: its config, its manifests, that its layers are there. */
export async function checkImages(state: GraphState, check: GraphCheck): Promise<{ images: number; lost: number }> {
  const rows = await state.db.read<{ id: Digest }>('SELECT id FROM images');
  let lost = 0;
  for (const { id } of rows) {
    throwIfCancelled(check.signal);
    const whole = await state.changes.run(() => checkImage(state, check, id));
    if (!whole) lost++;
  }
  return { images: rows.length, lost };
}

/** False when the image itself is lost. */
async function checkImage(state: GraphState, check: GraphCheck, id: Digest): Promise<boolean> {
  const [row] = await state.db.read<Row>('SELECT config_size FROM images WHERE id = ?', [id]);
  if (!row) return true;
  const config = await readBlob(state, id);
  if (typeof config === 'string') {
    await loseImage(state, check, id, config);
    return false;
  }
  const image = await parse(state, check, id, config);
  if (!image) return true;
  if (!state.images.has(id)) await takeUp(state, check, id);
  if (row.config_size !== config.length) await correctSize(state, check, image);
  await checkChain(state, check, image);
  const manifests = await state.db.read<{ digest: Digest }>('SELECT digest FROM manifests WHERE image_id = ?', [id]);
  for (const { digest } of manifests) await checkManifest(state, check, id, digest);
  return true;
}

/** Without its config there is no image: its rows go, so that it can come again, and its blobs are kept aside. */
async function loseImage(state: GraphState, check: GraphCheck, id: Digest, how: string): Promise<void> {
  const name = await imageName(state, id);
  if (check.repair) {
    await state.content.putAside(id);
    await state.db.write([
      { sql: 'DELETE FROM refs WHERE image_id = ?', params: [id] },
      { sql: 'DELETE FROM manifests WHERE image_id = ?', params: [id] },
      { sql: 'DELETE FROM images WHERE id = ?', params: [id] },
    ]);
    forget(state, id);
  }
  check.report({
    subject: `image ${name}`,
    problem: `its config is ${how}`,
    path: state.content.pathOf(id),
    effect: 'the image cannot be shown or used; containers that were made from it go on',
    remedy: `${check.repair ? 'it was forgotten' : 'it is forgotten'}, layers that it alone had are put into the quarantine: load or pull it again`,
    outcome: 'lost',
  });
}

function forget(state: GraphState, id: Digest): void {
  for (const reference of [...state.references.of(id)]) state.references.delete(reference);
  const record = state.images.get(id);
  if (record) dropImage(state, record);
}

async function parse(state: GraphState, check: GraphCheck, id: Digest, config: Buffer): Promise<Image | undefined> {
  try {
    return makeImage(id, config, state.layers.nameAndSize);
  } catch (error) {
    check.report({
      subject: `image ${await imageName(state, id)}`,
      problem: `its config cannot be read by this program: ${describe(error)}`,
      path: state.content.pathOf(id),
      effect: 'the image is not shown',
      remedy: 'use the wherry that has loaded it',
      outcome: 'lost',
    });
    return undefined;
  }
}

/** Its config could not be read at the start. */
async function takeUp(state: GraphState, check: GraphCheck, id: Digest): Promise<void> {
  if (check.repair) await restoreOne(state, id);
  check.report({
    subject: `image ${await imageName(state, id)}`,
    problem: 'the engine could not read it when it started',
    effect: 'the image is not shown',
    remedy: 'is read again',
    outcome: check.repair ? 'repaired' : 'found',
  });
}

async function correctSize(state: GraphState, check: GraphCheck, { id, configSize }: Image): Promise<void> {
  if (check.repair) {
    await state.db.write([{ sql: 'UPDATE images SET config_size = ? WHERE id = ?', params: [configSize, id] }]);
  }
  check.report({
    subject: `image ${await imageName(state, id)}`,
    problem: 'the database has another size for its config',
    effect: 'sizes are shown wrong',
    remedy: 'the size is taken from the config',
    outcome: check.repair ? 'repaired' : 'found',
  });
}

async function checkChain(state: GraphState, check: GraphCheck, image: Image): Promise<void> {
  const lost = [...new Set(image.diffIds)].filter((diffId) => !state.layers.info(diffId));
  if (lost.length === 0) return;
  const name = await imageName(state, image.id);
  check.report({
    subject: `image ${name}`,
    problem: `it lacks ${lost.length} of its ${image.diffIds.length} layers: ${lost.join(', ')}`,
    effect: 'no container can be made from it',
    remedy: `load or pull ${name} again, or remove it`,
    outcome: 'lost',
  });
}

/** A manifest is kept for pushing and saving the image as it came; without it the image is as good, but another digest. */
async function checkManifest(state: GraphState, check: GraphCheck, id: Digest, digest: Digest): Promise<void> {
  const bytes = await readBlob(state, digest);
  if (typeof bytes !== 'string') return;
  if (check.repair) {
    await state.content.putAside(digest);
    await state.db.write([{ sql: 'DELETE FROM manifests WHERE digest = ?', params: [digest] }]);
    loseManifest(state, digest);
  }
  check.report({
    subject: `image ${await imageName(state, id)}`,
    problem: `its manifest ${digest} is ${bytes}`,
    path: state.content.pathOf(digest),
    effect: 'saved or pushed, the image gets a new manifest, of another digest',
    remedy: 'the manifest is forgotten; load or pull the image again to have it back',
    outcome: check.repair ? 'repaired' : 'found',
  });
}
