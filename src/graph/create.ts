import type { IngestedBlob } from '#content/blob-writer.ts';
import { draftConfig, type ImageDraft } from '#image/draft.ts';
import { type Image, makeImage } from '#image/image.ts';
import { HOST_PLATFORM } from '#image/platform.ts';
import { type Digest, digestOf } from '#lib/digest.ts';
import { familiarReference, type Reference } from '#lib/reference.ts';
import { publish, registerImages } from './register.ts';
import type { GraphState, ImageEvent } from './state.ts';

export interface NewImageRequest extends Omit<ImageDraft, 'created' | 'layer' | 'platform'> {
  /** The image whose layers and history come first; it cannot be removed while the new one is there. */
  parent?: Image;
  /** The new layer's tar, finished in a folder of `content.beginIngest()`; one without entries makes no layer. */
  layer?: IngestedBlob;
  /** Default: this machine's. */
  platform?: ImageDraft['platform'];
  reference?: Reference;
  /** How the image came about, for the event; none by default. */
  action?: ImageEvent['action'];
}

/** Two blocks of zeros: what Docker takes for the tar of a layer that changes nothing. */
const EMPTY_TAR = digestOf(new Uint8Array(1024));

/**
 * Makes an image of a parent, a new layer and a config, and registers it: the layer's tar is committed and indexed, the
 * config written, then one transaction makes the image known. Gives the image, which may have been there before.
 * Throws `invalid` for a tar that cannot be a layer or a chain that is too deep; nothing is left then.
 */
export async function createImage(state: GraphState, request: NewImageRequest): Promise<Image> {
  const { parent, reference, action } = request;
  const blob = request.layer?.digest === EMPTY_TAR ? undefined : request.layer;
  const needed = new Set<Digest>([...(parent?.diffIds ?? []), ...(blob ? [blob.digest] : [])]);
  for (const diffId of needed) state.layers.pin(diffId);
  try {
    if (blob) await state.layers.provide(blob.digest, blob);
    const platform = request.platform ?? HOST_PLATFORM;
    const draft = { ...request, platform, layer: blob?.digest, created: state.now() };
    const config = draftConfig(draft, parent && (await state.content.read(parent.id)));
    const image = makeImage(digestOf(config), config, state.layers.nameAndSize);
    const references = reference ? [reference] : [];
    await state.changes.run(async () => {
      await state.content.write(config);
      await registerImages(state, [{ image, references, parent: parent?.id, manifests: [], sources: [] }]);
      if (reference) publish(state, 'tag', image, familiarReference(reference));
      if (action) publish(state, action, image, image.id);
    });
    return image;
  } finally {
    await state.layers.unpin([...needed]);
  }
}
