import { describe, isEngineError } from '#errors/errors.ts';
import { parseImageConfig, parseJson } from '#image/config.ts';
import { makeImage } from '#image/image.ts';
import { parseManifest } from '#image/manifest.ts';
import { type Digest, shortId } from '#lib/digest.ts';
import { familiarReference, type Reference } from '#lib/reference.ts';
import { fault } from '#lib/write-steps.ts';
import { namedReference } from '../lookup.ts';
import { layerStatement, type NewImage, registerImages } from '../register.ts';
import type { GraphState } from '../state.ts';
import { namedBlobs } from '../sweep.ts';
import { type GraphCheck, readBlob, throwIfCancelled } from './graph-check.ts';

/** No config or manifest is larger. */
const MAX_JSON = 4 << 20;

type Manifests = Map<Digest, { digest: Digest; mediaType: string; size: number }[]>;

/** What was found among the blobs that no row names. */
interface Found {
  configs: { id: Digest; bytes: Buffer }[];
  manifests: { digest: Digest; bytes: Buffer }[];
}

/**
 * Makes the rows of layers and images anew that no row names, from what containers remember, and from the configs and
 * manifests in the content store. An image all of whose layers are there counts. Gives the blobs that are accounted for
 * then. To be called under `state.changes`; the engine has to start again afterwards: layers stay pinned.
 */
export async function rebuildGraph(state: GraphState, check: GraphCheck): Promise<Set<Digest>> {
  const found = await readUnnamed(state, check.signal);
  const byImage = assignManifests(found);
  const wanted = new Set<Digest>();
  for (const config of found.configs) {
    throwIfCancelled(check.signal);
    const { diffIds } = parseImageConfig(config.bytes);
    if (!(await areThere(state, diffIds))) continue;
    const manifests = byImage.get(config.id) ?? [];
    await rebuildImage(state, check, config, manifests, found);
    for (const digest of [config.id, ...diffIds, ...manifests.map(({ digest }) => digest)]) wanted.add(digest);
  }
  for (const diffId of new Set(check.containerLayers).difference(wanted)) {
    throwIfCancelled(check.signal);
    await rebuildLayer(state, check, diffId);
    wanted.add(diffId);
  }
  return wanted;
}

async function areThere({ layers, content }: GraphState, diffIds: readonly Digest[]): Promise<boolean> {
  for (const diffId of diffIds) if (!layers.info(diffId) && !(await content.has(diffId))) return false;
  return true;
}

/** A layer on which a container stands whose image is gone. */
async function rebuildLayer(state: GraphState, check: GraphCheck, diffId: Digest): Promise<void> {
  if (state.layers.info(diffId) || !(await state.content.has(diffId))) return;
  const problem = check.repair ? await orProblem(() => keepLayer(state, diffId)) : undefined;
  check.report({
    subject: `layer ${diffId}`,
    problem: problem ?? 'the database does not know it',
    path: state.content.pathOf(diffId),
    effect: 'a container stands on it and cannot be started',
    remedy: 'its row is made from its tar',
    outcome: problem ? 'lost' : check.repair ? 'repaired' : 'found',
  });
}

async function keepLayer(state: GraphState, diffId: Digest): Promise<void> {
  state.layers.pin(diffId);
  await state.layers.provide(diffId, undefined);
  await state.db.write([layerStatement(state, diffId)]);
}

/** What went wrong, in words; undefined when nothing did. */
async function orProblem(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (!isEngineError(error) || error.kind === 'cancelled') throw error;
    return describe(error);
  }
}

async function readUnnamed(state: GraphState, signal: AbortSignal): Promise<Found> {
  const named = await namedBlobs(state);
  const found: Found = { configs: [], manifests: [] };
  for await (const digest of state.content.list()) {
    throwIfCancelled(signal);
    if (named.has(digest) || (await state.content.size(digest)) > MAX_JSON) continue;
    const bytes = await readBlob(state, digest);
    if (typeof bytes === 'string' || bytes[0] !== 0x7b) continue;
    if (isA(() => parseManifest(bytes, digest))) found.manifests.push({ digest, bytes });
    else if (isA(() => parseImageConfig(bytes)) && hasRootfs(bytes)) found.configs.push({ id: digest, bytes });
  }
  return found;
}

function isA(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch (error) {
    if (isEngineError(error, 'invalid')) return false;
    throw error;
  }
}

const hasRootfs = (bytes: Buffer) => (parseJson(bytes, 'config') as { rootfs?: unknown }).rootfs !== undefined;

/** The manifests of each image, and the indexes that name one of these. */
function assignManifests({ manifests }: Found): Manifests {
  const byImage: Manifests = new Map();
  const owners = new Map<Digest, Digest[]>();
  const assign = (image: Digest, digest: Digest, mediaType: string, size: number) => {
    byImage.set(image, [...(byImage.get(image) ?? []), { digest, mediaType, size }]);
    owners.set(digest, [...(owners.get(digest) ?? []), image]);
  };
  const parsed = manifests.map(({ digest, bytes }) => ({
    digest,
    size: bytes.length,
    ...parseManifest(bytes, digest),
  }));
  for (const manifest of parsed) {
    if (manifest.kind === 'manifest')
      assign(manifest.config.digest, manifest.digest, manifest.mediaType, manifest.size);
  }
  for (const index of parsed) {
    if (index.kind !== 'index') continue;
    const images = new Set(index.manifests.flatMap(({ digest }) => owners.get(digest) ?? []));
    for (const image of images) assign(image, index.digest, index.mediaType, index.size);
  }
  return byImage;
}

async function rebuildImage(
  state: GraphState,
  check: GraphCheck,
  { id, bytes }: Found['configs'][number],
  manifests: NewImage['manifests'],
  found: Found,
): Promise<void> {
  const { diffIds } = parseImageConfig(bytes);
  const references = freeReferences(state, check.namesOf(id));
  const register = async () => {
    for (const diffId of diffIds) state.layers.pin(diffId);
    for (const diffId of diffIds) await state.layers.provide(diffId, undefined);
    const image = makeImage(id, bytes, state.layers.nameAndSize);
    await registerImages(state, [{ image, references, manifests, sources: sourcesOf(id, diffIds, found) }]);
    fault('repair.image');
  };
  const problem = check.repair ? await orProblem(register) : undefined;
  check.report({
    subject: `image ${references.map(familiarReference).join(', ') || shortId(id)}`,
    problem: problem ?? 'the database does not know it',
    path: state.content.pathOf(id),
    effect: 'the image is not shown and cannot be used',
    remedy: `its rows are made from its config${references.length > 0 ? '' : '; its names are not known any more: give it one with tag'}`,
    outcome: problem ? 'lost' : check.repair ? 'repaired' : 'found',
  });
}

/** Names that no image has now. */
function freeReferences({ references }: GraphState, names: readonly string[]): Reference[] {
  const wanted = names.flatMap((name) => namedReference(name) ?? []);
  return wanted.filter((reference) => references.imageOf(reference) === undefined);
}

/** Which compressed blobs an image's layers came as: its manifest says it. */
function sourcesOf(id: Digest, diffIds: readonly Digest[], { manifests }: Found): NewImage['sources'] {
  return manifests.flatMap(({ digest: name, bytes }) => {
    const manifest = parseManifest(bytes, name);
    if (manifest.kind !== 'manifest' || manifest.config.digest !== id) return [];
    if (manifest.layers.length !== diffIds.length) return [];
    return manifest.layers.flatMap(({ digest, mediaType, size }, at) =>
      digest === diffIds[at] ? [] : [{ digest, mediaType, size, diffId: diffIds[at]! }],
    );
  });
}
