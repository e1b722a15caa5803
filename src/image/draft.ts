import type { OciPlatform } from '#api/types/image.ts';
import type { Digest } from '#lib/digest.ts';
import { stringifyExact } from '#lib/json.ts';
import { formatTime } from '#lib/time.ts';
import { parseJson } from './config.ts';
import * as shape from './shape.ts';

/** What an image that is made here adds to the one it stands on. */
export interface ImageDraft {
  /** What containers start with, whole: nothing is taken from the parent. */
  config: object;
  /** diffID of the new layer; absent = the step changed no file. */
  layer?: Digest;
  /** ns since 1970. */
  created: bigint;
  /** Of an image without parent; a child has its parent's. */
  platform: OciPlatform;
  author?: string;
  comment?: string;
  /** The command that made it, for `history`. */
  createdBy?: string;
  /** The container that it was committed from. */
  container?: { id: string; config: object };
}

/**
 * The bytes of the new image's config (Docker Image Spec v1.2), a child of the image whose config is `parent`: its
 * layers, history and platform come first. Names are sorted, as Docker writes them, so that the same draft always gives
 * the same image.
 */
export function draftConfig(draft: ImageDraft, parent?: Buffer): Buffer {
  const base = parent ? shape.requiredObject(parseJson(parent, 'image config'), 'image config') : {};
  const rootfs = shape.optionalObject(base.rootfs, 'rootfs') ?? {};
  const diffIds = shape.optionalTexts(rootfs.diff_ids, 'rootfs.diff_ids') ?? [];
  const history = Array.isArray(base.history) ? base.history : [];
  const created = formatTime(draft.created);
  const platform: Record<string, unknown> = parent ? base : { ...draft.platform };
  const step = {
    created,
    ...(draft.author && { author: draft.author }),
    ...(draft.createdBy && { created_by: draft.createdBy }),
    ...(draft.comment && { comment: draft.comment }),
    ...(draft.layer === undefined && { empty_layer: true }),
  };
  const fields: Record<string, unknown> = {
    architecture: platform.architecture,
    author: draft.author || undefined,
    config: draft.config,
    container: draft.container?.id,
    container_config: draft.container?.config,
    created,
    history: [...history, step],
    os: platform.os,
    'os.features': platform['os.features'],
    'os.version': platform['os.version'],
    rootfs: { type: 'layers', diff_ids: draft.layer === undefined ? diffIds : [...diffIds, draft.layer] },
    variant: platform.variant,
  };
  return Buffer.from(stringifyExact(fields));
}
