import type { Digest } from '#lib/digest.ts';
import { parseExact, stringifyExact } from '#lib/json.ts';
import { createdTime, type ParsedConfig, parseImageConfig } from './config.ts';

/**
 * An image: a config and the layers that it names. Its id is the digest of the config's exact bytes. Its history stays
 * in those bytes: it is the largest part and rarely asked for.
 */
export interface Image extends Omit<ParsedConfig, 'history'> {
  readonly id: Digest;
  /** Bytes of the config. */
  readonly configSize: number;
  /** Bytes of the files of each layer, in the order of `diffIds`. */
  readonly layerSizes: readonly number[];
  /** Bytes of the files of all layers. */
  readonly size: number;
}

/** What an image needs to know of a layer. Many images have it: they share the text of its name. */
export interface KnownLayer {
  diffId: Digest;
  /** Bytes of its files. */
  contentSize: number;
}

type LayerLookup = (diffId: Digest) => KnownLayer;

/**
 * The image that `config` (of digest `id`) describes; `layerOf` knows its layers. Throws `invalid` as `parseImageConfig`
 * does.
 */
export function makeImage(id: Digest, config: Buffer, layerOf: LayerLookup): Image {
  const { history, ...parsed } = parseImageConfig(config);
  const comment = parsed.comment || (history.at(-1)?.comment ?? '');
  return { ...parsed, comment, id, configSize: config.length, ...layersOf(parsed.diffIds, layerOf) };
}

/** The image as text for `recallImage`: what is in memory of its config. */
export function noteImage({ id, createdAt, layerSizes, size, ...kept }: Image): string {
  return stringifyExact(kept);
}

/** The image that was noted: the same as from its config, in a fraction of the time. */
export function recallImage(id: Digest, note: string, layerOf: LayerLookup): Image {
  const kept = parseExact(note) as Omit<Image, 'id' | 'createdAt' | 'layerSizes' | 'size'>;
  return { ...NOTHING, ...kept, createdAt: createdTime(kept.created), id, ...layersOf(kept.diffIds, layerOf) };
}

/** Fields that JSON leaves out. */
const NOTHING = { variant: undefined, osVersion: undefined, created: undefined, config: undefined };

function layersOf(names: readonly Digest[], layerOf: LayerLookup): Pick<Image, 'diffIds' | 'layerSizes' | 'size'> {
  const layers = names.map(layerOf);
  const layerSizes = layers.map(({ contentSize }) => contentSize);
  return {
    diffIds: layers.map(({ diffId }) => diffId),
    layerSizes,
    size: layerSizes.reduce((sum, layer) => sum + layer, 0),
  };
}
