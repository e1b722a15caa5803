import type { Digest } from '#lib/digest.ts';
import { type ParsedConfig, parseImageConfig } from './config.ts';

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

/**
 * The image that `config` (of digest `id`) describes; `sizeOf` gives the bytes of a layer's files.
 * Throws `invalid` as `parseImageConfig` does.
 */
export function makeImage(id: Digest, config: Buffer, sizeOf: (diffId: Digest) => number): Image {
  const { history, ...parsed } = parseImageConfig(config);
  const layerSizes = parsed.diffIds.map(sizeOf);
  const size = layerSizes.reduce((sum, layer) => sum + layer, 0);
  const comment = parsed.comment || (history.at(-1)?.comment ?? '');
  return { ...parsed, comment, id, configSize: config.length, layerSizes, size };
}
