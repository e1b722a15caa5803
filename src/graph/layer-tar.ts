import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { notFound } from '#errors/errors.ts';
import type { Digest } from '#lib/digest.ts';
import type { GraphState } from './state.ts';

/** The tar of a layer as it came, uncompressed: its digest is the diffID. */
export interface LayerTar {
  /** Bytes. */
  size: number;
  /** Where it lies; the file may be padded beyond `size`. */
  path: string;
  /** Reads it from the start. */
  open(): Readable;
}

const CHUNK = 1 << 20;

/** Nothing is packed or copied for it: the tar is what the store holds. Throws `not-found`. */
export function layerTar(state: GraphState, diffId: Digest): LayerTar {
  const info = state.layers.info(diffId);
  if (!info) throw notFound(`no layer ${diffId}`);
  const path = state.content.pathOf(diffId);
  const { size } = info;
  const open = () => (size > 0 ? createReadStream(path, { end: size - 1, highWaterMark: CHUNK }) : Readable.from([]));
  return { size, path, open };
}
