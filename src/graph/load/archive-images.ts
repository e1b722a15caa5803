import type { OciPlatform } from '#api/types/image.ts';
import { invalid } from '#errors/errors.ts';
import { MAX_IMAGE_DEPTH, parseImageConfig, parseJson } from '#image/config.ts';
import {
  type Descriptor,
  type Index,
  isAttestation,
  isImageManifest,
  type Manifest,
  parseManifest,
} from '#image/manifest.ts';
import { formatPlatform, platformMatches } from '#image/platform.ts';
import * as shape from '#image/shape.ts';
import { type Digest, digestOf, hexOf } from '#lib/digest.ts';
import { formatReference, parseReference, withDefaultTag } from '#lib/reference.ts';
import { type ArchiveImage, layerMember, refuse, taggedReference } from './archive-image.ts';
import type { Members } from './archive-members.ts';
import { isV1Archive, v1Images } from './archive-v1.ts';

/**
 * Finds the images of an archive: by `manifest.json` (docker save, every version since 1.10), by `index.json` (OCI Image
 * Layout), or by what docker save wrote before. Of an image for several platforms, the first of `platforms` that is
 * there is taken; with `only`, other images are left out, and it is refused when that leaves none.
 * Throws `invalid` (code `ARCHIVE_INVALID` or `IMAGE_INVALID`) that names the member which is missing or wrong.
 */
export function findImages(members: Members, platforms: readonly OciPlatform[], only = false): ArchiveImage[] {
  const images = allImages(members, platforms);
  if (!only) return images;
  const fitting = images.filter(({ config }) =>
    platforms.some((wanted) => platformMatches(wanted, parseImageConfig(config))),
  );
  if (fitting.length > 0) return fitting;
  throw refuse(`it has no image for the platform ${platforms.map(formatPlatform).join(' or ')}`);
}

function allImages(members: Members, platforms: readonly OciPlatform[]): ArchiveImage[] {
  if (members.isEmpty) throw refuse('it is empty');
  const layout = members.bytes('index.json');
  const docker = members.bytes('manifest.json');
  if (docker) return dockerImages(members, docker, layout && manifestsByConfig(members, layout));
  if (layout) return layoutImages(members, layout, platforms);
  if (isV1Archive(members)) return v1Images(members);
  throw refuse(
    'it has neither a manifest.json nor an index.json',
    'use the output of docker save or an OCI image layout',
  );
}

/** `manifest.json`: a list of {Config, RepoTags, Layers}, all paths in the archive. */
function dockerImages(
  members: Members,
  json: Buffer,
  manifests: ReadonlyMap<Digest, ArchiveImage['manifests']> | undefined,
): ArchiveImage[] {
  const items = shape.optionalList(parseJson(json, 'manifest.json'), 'manifest.json', shape.requiredObject) ?? [];
  if (items.length === 0) throw refuse('manifest.json names no image');
  return items.map((item, index) => {
    const where = `manifest.json[${index}]`;
    const configName = shape.optionalText(item.Config, `${where}.Config`) ?? '';
    const config = members.bytes(configName);
    if (!config) throw refuse(`${where} names the config "${configName}", which is not there`);
    const layerNames = shape.optionalTexts(item.Layers, `${where}.Layers`) ?? [];
    const id = digestOf(config);
    const { diffIds } = checkedConfig(config, layerNames.length);
    return {
      id,
      config,
      layers: layerNames.map((name, at) => ({
        diffId: diffIds[at]!,
        name,
        member: layerMember(members, name, `${where}.Layers[${at}]`),
      })),
      references: (shape.optionalTexts(item.RepoTags, `${where}.RepoTags`) ?? []).map(taggedReference),
      manifests: manifests?.get(id) ?? [],
    };
  });
}

/** `index.json` of an OCI Image Layout: descriptors of manifests or further indexes. */
function layoutImages(members: Members, json: Buffer, platforms: readonly OciPlatform[]): ArchiveImage[] {
  const top = parseManifest(json, 'index.json');
  if (top.kind !== 'index') throw refuse('index.json is no index');
  const found = new Map<string, ArchiveImage>();
  for (const entries of groupByName(top.manifests)) {
    const reference = referenceOf(entries[0]!);
    for (const chosen of chooseManifests(members, entries, platforms, reference !== undefined)) {
      const image = found.get(chosen.id) ?? layoutImage(members, chosen);
      if (reference && !image.references.includes(reference)) image.references.push(reference);
      found.set(chosen.id, image);
    }
  }
  if (found.size === 0) throw refuse('index.json leads to no image');
  return [...found.values()];
}

/** A manifest that was chosen, with the manifests that led to it. */
interface Chosen {
  id: Digest;
  manifest: Manifest;
  path: ArchiveImage['manifests'];
}

/** The manifests below `entries` that are images: all of them, or with `one` the best for the platforms asked for. */
function chooseManifests(
  members: Members,
  entries: readonly Descriptor[],
  platforms: readonly OciPlatform[],
  one: boolean,
): Chosen[] {
  const candidates = entries.flatMap((entry) => manifestsBelow(members, entry, platforms));
  if (candidates.length === 0) {
    const missing = entries.find((entry) => !members.has(blobName(entry.digest)));
    if (missing) throw refuse(`index.json names the manifest ${missing.digest}, which is not there`);
  }
  return one ? best(candidates, platforms).slice(0, 1) : best(candidates, platforms);
}

interface Candidate extends Chosen {
  platform: OciPlatform;
}

/** The candidates for the first platform that any of them is for; all of them when there is none. */
function best(candidates: Candidate[], platforms: readonly OciPlatform[]): Candidate[] {
  for (const wanted of platforms) {
    const matching = candidates.filter(({ platform }) => platformMatches(wanted, platform));
    if (matching.length > 0) return matching;
  }
  return candidates;
}

/** How deep indexes may lie in each other. */
const MAX_INDEX_DEPTH = 4;

function manifestsBelow(
  members: Members,
  entry: Descriptor,
  platforms: readonly OciPlatform[],
  above: ArchiveImage['manifests'] = [],
): Candidate[] {
  if (isAttestation(entry)) return [];
  const name = blobName(entry.digest);
  const bytes = members.bytes(name);
  if (!bytes) return [];
  if (digestOf(bytes) !== entry.digest) throw refuse(`${name} has the digest ${digestOf(bytes)}`);
  const parsed: Manifest | Index = parseManifest(bytes, name);
  const path = [...above, { digest: entry.digest, mediaType: parsed.mediaType, bytes }];
  if (parsed.kind === 'manifest') {
    if (!isImageManifest(parsed)) return [];
    const config = layoutConfig(members, parsed);
    const { os, architecture, variant } = parseImageConfig(config);
    return [
      { id: parsed.config.digest, manifest: parsed, path, platform: { os, architecture, ...(variant && { variant }) } },
    ];
  }
  if (path.length > MAX_INDEX_DEPTH) throw refuse(`${name} lies more than ${MAX_INDEX_DEPTH} indexes deep`);
  const below = parsed.manifests.flatMap((child) => manifestsBelow(members, child, platforms, path));
  return best(below, platforms).slice(0, 1);
}

function layoutConfig(members: Members, manifest: Manifest): Buffer {
  const { digest } = manifest.config;
  const config = members.bytes(blobName(digest));
  if (!config) throw refuse(`the config ${digest} is not there`);
  if (digestOf(config) !== digest) throw refuse(`${blobName(digest)} has the digest ${digestOf(config)}`);
  return config;
}

function layoutImage(members: Members, { id, manifest, path }: Chosen): ArchiveImage {
  const config = layoutConfig(members, manifest);
  const { diffIds } = checkedConfig(config, manifest.layers.length);
  const layers = manifest.layers.map(({ digest }, at) => {
    const name = blobName(digest);
    return { diffId: diffIds[at]!, name, member: layerMember(members, name, `layer ${at}`), expected: digest };
  });
  return { id, config, layers, references: [], manifests: path };
}

/** The manifests of an archive that is both: they are kept with the images that `manifest.json` names. */
function manifestsByConfig(members: Members, layout: Buffer): Map<Digest, ArchiveImage['manifests']> {
  const top = parseManifest(layout, 'index.json');
  const entries = top.kind === 'index' ? top.manifests : [];
  return new Map(entries.flatMap((entry) => manifestsBelow(members, entry, [])).map(({ id, path }) => [id, path]));
}

function checkedConfig(config: Buffer, layers: number): { diffIds: readonly Digest[] } {
  const parsed = parseImageConfig(config);
  if (parsed.os !== '' && parsed.os !== 'linux') throw invalid(`cannot load ${parsed.os} image on linux`);
  if (layers > MAX_IMAGE_DEPTH) throw invalid(`max depth exceeded: ${layers} layers, the limit is ${MAX_IMAGE_DEPTH}`);
  if (parsed.diffIds.length !== layers) {
    throw refuse(`invalid manifest, layers length mismatch: expected ${layers}, got ${parsed.diffIds.length}`);
  }
  return parsed;
}

/** Entries with one name belong together; those without a name stand alone together. */
function groupByName(entries: readonly Descriptor[]): Descriptor[][] {
  return [...Map.groupBy(entries, (entry) => referenceOf(entry) ?? '').values()];
}

/** containerd's annotation is a whole reference; the specification's may be a tag alone, which names nothing. */
function referenceOf({ annotations = {} }: Descriptor): string | undefined {
  const short = annotations['org.opencontainers.image.ref.name'];
  const text = annotations['io.containerd.image.name'] ?? (short && /[/:]/.test(short) ? short : undefined);
  if (text === undefined) return undefined;
  const { domain, path, tag } = withDefaultTag(parseReference(text));
  return tag === undefined ? undefined : formatReference({ domain, path, tag });
}

const blobName = (digest: Digest) => `blobs/sha256/${hexOf(digest)}`;
