import type { ContainerRecord, ImageMount } from '#container/record.ts';
import type { Image } from '#image/image.ts';
import type { Engine } from '../engine.ts';

/** The images that a new container mounts, by the names it gives them; they stay while this is held. */
export type HeldImages = ReadonlyMap<string, Image> & AsyncDisposable;

/** Holds what `--mount type=image` names, and what the containers of `--volumes-from` have. Throws `not-found`. */
export async function holdMountedImages(engine: Engine, { hostConfig }: ContainerRecord): Promise<HeldImages> {
  const { Mounts: mounts, VolumesFrom: volumesFrom } = hostConfig;
  const named = (mounts ?? []).flatMap(({ Type, Source }) => (Type === 'image' && Source ? [Source] : []));
  const inherited = (volumesFrom ?? []).filter(Boolean).flatMap((from) => {
    const { record } = engine.containers.get(from.split(':')[0]!);
    return (record.imageMounts ?? []).map(({ imageId }) => imageId);
  });
  await using stack = new AsyncDisposableStack();
  const held = new Map<string, Image>();
  for (const name of new Set([...named, ...inherited])) {
    held.set(name, stack.use(await engine.graph.hold(name)).image);
  }
  const kept = stack.move();
  return Object.assign(held, { [Symbol.asyncDispose]: () => kept.disposeAsync() });
}

/** Gives each image among the mounts a layer of its own, which nothing is ever written to. */
export async function createImageLayers(engine: Engine, record: ContainerRecord, held: HeldImages): Promise<void> {
  const sources = record.mounts.flatMap(({ type, source }) => (type === 'image' ? [source] : []));
  if (sources.length === 0) return;
  const byId = new Map([...held.values()].map((image) => [image.id as string, image]));
  record.imageMounts = sources.map((imageId, index): ImageMount => {
    return { imageId, chain: [...byId.get(imageId)!.diffIds], layer: `${record.id}-image-${index}` };
  });
  for (const { layer, chain } of record.imageMounts) await engine.driver.createReadWrite(layer, chain);
}
