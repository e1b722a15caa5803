import { parseJson } from '#image/config.ts';
import * as shape from '#image/shape.ts';
import { type Digest, digestOf } from '#lib/digest.ts';
import { stringifyExact } from '#lib/json.ts';
import { type ArchiveImage, type ArchiveLayer, layerMember, refuse, taggedReference } from './archive-image.ts';
import type { Members } from './archive-members.ts';

/**
 * Archives of Docker Image Specification v1: a folder `<id>` for each layer, the id being 64 random hex digits, with
 * `json` (what the image is, and its parent), `layer.tar` and `VERSION`; `repositories` has the names.
 */

/** Fields of the v1 JSON that say how images are chained, not what they are. */
const CHAIN_FIELDS: ReadonlySet<string> = new Set(['id', 'parent', 'parent_id', 'layer_id', 'Size', 'throwaway']);

const V1_ENTRY = /^([0-9a-f]{64})\/json$/;

interface V1Image extends ArchiveImage {
  history: readonly object[];
}

/** True when the archive can be read as v1. */
export function isV1Archive(members: Members): boolean {
  return members.names().some((name) => V1_ENTRY.test(name));
}

/**
 * The images of a v1 archive, parents first: as in Docker every layer is one, with the id that it had as its alias.
 * Throws `invalid` that names what is missing or wrong.
 */
export function v1Images(members: Members): ArchiveImage[] {
  const images = new Map<string, V1Image>();
  const ids = members.names().flatMap((name) => V1_ENTRY.exec(name)?.[1] ?? []);
  for (const id of ids) addChain(members, images, id);
  for (const [reference, id] of namesIn(members)) {
    const image = images.get(id);
    if (!image) throw refuse(`repositories names the image ${id}, which is not there`);
    image.references.push(reference);
  }
  return [...images.values()].map(({ history, ...image }) => image);
}

/** Adds an image and those that it stands on. */
function addChain(members: Members, images: Map<string, V1Image>, id: string): void {
  const chain: { id: string; json: shape.JsonObject }[] = [];
  let next: string | undefined = id;
  while (next !== undefined && !images.has(next)) {
    const at: string = next;
    if (chain.some((link) => link.id === at)) throw refuse(`the parents of ${id} lead in a circle`);
    const bytes = members.bytes(`${at}/json`);
    if (!bytes) throw refuse(`the parent ${at} of ${chain.at(-1)?.id} is not there`);
    const json = shape.requiredObject(parseJson(bytes, `${at}/json`), `${at}/json`);
    chain.push({ id: at, json });
    next = shape.optionalText(json.parent, `${at}/json: parent`) || undefined;
  }
  let below = next === undefined ? undefined : images.get(next);
  for (const link of chain.reverse()) {
    below = v1Image(members, link.id, link.json, below);
    images.set(link.id, below);
  }
}

function v1Image(members: Members, v1Id: string, json: shape.JsonObject, below: V1Image | undefined): V1Image {
  const isEmpty = shape.optionalBoolean(json.throwaway, `${v1Id}/json: throwaway`) ?? false;
  const layers = [...(below?.layers ?? []), ...(isEmpty ? [] : [v1Layer(members, v1Id)])];
  const history = [...(below?.history ?? []), historyOf(v1Id, json, isEmpty)];
  const kept = Object.entries(json).filter(([name]) => !CHAIN_FIELDS.has(name));
  const rootfs = { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) };
  const fields = [...kept, ['history', history] as const, ['rootfs', rootfs] as const];
  const sorted = Object.fromEntries(fields.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  const config = Buffer.from(stringifyExact(sorted));
  const id: Digest = digestOf(config);
  return { id, config, layers, references: [], manifests: [], history, parent: below?.id, aliases: [v1Id] };
}

function v1Layer(members: Members, v1Id: string): ArchiveLayer {
  const name = `${v1Id}/layer.tar`;
  const member = layerMember(members, name, `the layer of ${v1Id}`);
  if (member.kind === 'blob') return { diffId: member.blob.digest, name, member };
  throw refuse(`${name} is no layer`);
}

function historyOf(v1Id: string, json: shape.JsonObject, isEmpty: boolean): object {
  const text = (name: string) => shape.optionalText(json[name], `${v1Id}/json: ${name}`);
  const container = shape.optionalObject(json.container_config, `${v1Id}/json: container_config`);
  const command = shape.optionalTexts(container?.Cmd, `${v1Id}/json: container_config.Cmd`) ?? [];
  return {
    ...(text('created') && { created: text('created') }),
    ...(text('author') && { author: text('author') }),
    ...(command.length > 0 && { created_by: command.join(' ') }),
    ...(text('comment') && { comment: text('comment') }),
    ...(isEmpty && { empty_layer: true }),
  };
}

/** `repositories`: {repository: {tag: id}}. */
function namesIn(members: Members): [reference: string, id: string][] {
  const bytes = members.bytes('repositories');
  if (!bytes) return [];
  const repositories = shape.requiredObject(parseJson(bytes, 'repositories'), 'repositories');
  return Object.entries(repositories).flatMap(([repository, tags]) => {
    const ids = shape.optionalTextMap(tags, `repositories: ${repository}`) ?? {};
    return Object.entries(ids).map(([tag, id]): [string, string] => [taggedReference(`${repository}:${tag}`), id]);
  });
}
