import type { ImageDeleteResponseItem } from '#api/types/image.ts';
import { conflict } from '#errors/errors.ts';
import { chainIds, type Digest, shortId } from '#lib/digest.ts';
import { familiarReference, formatReference, type Reference, repositoryOf } from '#lib/reference.ts';
import { fault } from '#lib/write-steps.ts';
import type { Statement } from '#metadata/database.ts';
import { dropImage } from './adopt.ts';
import { isHead } from './ancestry.ts';
import { findImage, isIdOf, namedReference } from './lookup.ts';
import { publish } from './register.ts';
import type { GraphState, ImageRecord } from './state.ts';

export interface RemoveOptions {
  /** Remove it although it has several references, or stopped containers stand on it. */
  force?: boolean;
  /** Keep its parents, though nothing else needs them. */
  noprune?: boolean;
}

/** What a removal will do, decided before anything is done. */
interface Plan {
  record: ImageRecord;
  untag: readonly Reference[];
  /** The image itself goes, too. */
  deletes: boolean;
}

/**
 * Removes a reference, and the image with its last one; or, named by id, the image with all of its references. With an
 * image go its parents that nothing else needs. The rules, messages and the order of the answer are Docker's. Throws
 * `not-found`, or `conflict` when the image is in use.
 */
export async function removeImage(
  state: GraphState,
  name: string,
  options: RemoveOptions,
): Promise<ImageDeleteResponseItem[]> {
  return (await removeWithParents(state, name, options)).answer;
}

/** What a removal has done. */
export interface Removal {
  answer: ImageDeleteResponseItem[];
  images: readonly ImageRecord[];
  layers: ReadonlySet<Digest>;
}

/** `removeImage`, telling also what is gone. */
export async function removeWithParents(
  state: GraphState,
  name: string,
  { force = false, noprune = false }: RemoveOptions,
): Promise<Removal> {
  const { untagged, images } = await state.changes.run(async () => {
    const plan = planRemoval(state, name, force);
    await carryOut(state, plan);
    const images = plan.deletes ? [plan.record] : [];
    while (!noprune && images.length > 0) {
      const parent = unneededParent(state, images.at(-1)!);
      if (!parent) break;
      await carryOut(state, { record: parent, untag: [], deletes: true });
      images.push(parent);
    }
    return { untagged: plan.untag, images };
  });
  const layers = new Set(await state.layers.collect(images.flatMap(({ image }) => image.diffIds)));
  const answer: ImageDeleteResponseItem[] = untagged.map((reference) => ({ Untagged: familiarReference(reference) }));
  for (const [at, record] of images.entries()) answer.push(...deletions(record, layers, images[at + 1]));
  return { answer, images, layers };
}

/** The image and those of its layers that went with it, without its parent's; the top layer first. */
function deletions(
  { image }: ImageRecord,
  removed: ReadonlySet<Digest>,
  parent: ImageRecord | undefined,
): ImageDeleteResponseItem[] {
  const below = parent?.image.diffIds.length ?? 0;
  const layers = chainIds(image.diffIds).filter((_, at) => at >= below && removed.has(image.diffIds[at]!));
  return [{ Deleted: image.id }, ...layers.reverse().map((chainId) => ({ Deleted: chainId }))];
}

/** The parent, if nobody would miss it. */
function unneededParent(state: GraphState, { parent }: ImageRecord): ImageRecord | undefined {
  const record = parent && state.images.get(parent);
  if (!record || record.holds > 0) return undefined;
  const { id } = record.image;
  const isNeeded = state.references.of(id).length > 0 || !isHead(state, id) || state.users(id).length > 0;
  return isNeeded ? undefined : record;
}

function planRemoval(state: GraphState, name: string, force: boolean): Plan {
  const record = findImage(state, name);
  const { id } = record.image;
  const references = state.references.of(id);
  if (isIdOf(state, id, name)) {
    const several = !areOneTag(references);
    refuseIfUsed(state, record, { force, several });
    return { record, untag: references, deletes: true };
  }
  const wantedName = formatReference(namedReference(name)!);
  const wanted = references.find((reference) => formatReference(reference) === wantedName)!;
  if (!force && areOneTag(references)) refuseLastReference(state, record, name);
  const untag = [wanted, ...orphanedDigests(references, wanted)];
  const isLast = untag.length === references.length;
  // Force takes the last reference away from a running container's image or a parent, but not the image.
  const isUsed = record.holds > 0 || state.users(id).some(({ running }) => running || !force);
  const isNeeded = isUsed || !isHead(state, id);
  return { record, untag, deletes: isLast && !isNeeded };
}

async function carryOut(state: GraphState, { record, untag, deletes }: Plan): Promise<void> {
  const { image } = record;
  const statements: Statement[] = untag.map((reference) => ({
    sql: 'DELETE FROM refs WHERE reference = ?',
    params: [formatReference(reference)],
  }));
  if (deletes) {
    statements.push(
      { sql: 'DELETE FROM manifests WHERE image_id = ?', params: [image.id] },
      { sql: 'DELETE FROM images WHERE id = ?', params: [image.id] },
    );
  }
  await state.db.write(statements);
  fault('image.remove.commit');
  for (const reference of untag) {
    state.references.delete(reference);
    publish(state, 'untag', image, image.id);
  }
  if (!deletes) return;
  await state.content.remove(dropImage(state, record));
  fault('image.remove.blobs');
  publish(state, 'delete', image, image.id);
}

function refuseIfUsed(
  state: GraphState,
  record: ImageRecord,
  { force, several }: { force: boolean; several: boolean },
) {
  const { id } = record.image;
  const refuse = (how: string, why: string) => conflict(`conflict: unable to delete ${shortId(id)} (${how}) - ${why}`);
  if (!isHead(state, id)) throw refuse('cannot be forced', 'image has dependent child images');
  const users = state.users(id);
  const running = users.find((user) => user.running);
  if (running) {
    throw refuse('cannot be forced', `image is being used by running container ${shortId(running.containerId)}`);
  }
  if (record.holds > 0) throw refuse('cannot be forced', 'image is being used by a container that is being created');
  if (force) return;
  if (several) throw refuse('must be forced', 'image is referenced in multiple repositories');
  const stopped = users[0];
  if (stopped) {
    throw refuse('must be forced', `image is being used by stopped container ${shortId(stopped.containerId)}`);
  }
}

/** The last reference is not taken from an image that a container came from: the image would be left without a name. */
function refuseLastReference(state: GraphState, { image }: ImageRecord, name: string): void {
  const user = state.users(image.id)[0];
  if (!user) return;
  throw conflict(
    `conflict: unable to remove repository reference "${name}" (must force) - ` +
      `container ${shortId(user.containerId)} is using its referenced image ${shortId(image.id)}`,
  );
}

/** One tag at most, and digests of its own repository only: removing the image takes nothing away by surprise. */
function areOneTag(references: readonly Reference[]): boolean {
  if (references.length <= 1) return true;
  const tags = references.filter(({ digest }) => digest === undefined);
  if (tags.length > 1) return false;
  const repository = repositoryOf(tags[0] ?? references[0]!);
  return references.every((reference) => repositoryOf(reference) === repository);
}

/** With the last tag of a repository go the digests by which the image is known in it. */
function orphanedDigests(references: readonly Reference[], removed: Reference): Reference[] {
  if (removed.digest !== undefined) return [];
  const same = references.filter((other) => other !== removed && repositoryOf(other) === repositoryOf(removed));
  return same.every(({ digest }) => digest !== undefined) ? same : [];
}
