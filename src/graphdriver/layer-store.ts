import type { Layer, LayerStat, LayerVerdict } from './driver.ts';

/**
 * How a driver over overlayfs keeps its layers: each is a directory, or something that can be mounted on one. All
 * methods can be called at the same time; of several calls for one layer one does the work.
 */
export interface LayerStore {
  /** A module as `Preparation` names one, if layers can be prepared. */
  readonly preparer?: URL;

  /** See `GraphDriver.applyDiff`. */
  apply(layer: Layer): Promise<LayerStat>;

  /** See `GraphDriver.exists`. */
  exists(diffId: string): Promise<boolean>;

  /** See `GraphDriver.verifyLayer`. */
  verify(layer: Layer, signal?: AbortSignal): Promise<LayerVerdict>;

  /** See `GraphDriver.rebuildLayer`; `isUsed`: a mounted filesystem uses the layer. */
  rebuild(layer: Layer, isUsed: boolean): Promise<LayerStat>;

  /** See `GraphDriver.listLayers`. */
  list(): Promise<string[]>;

  /** See `GraphDriver.layerSize`. */
  size(diffId: string): Promise<number>;

  /** Makes the layer a directory that overlayfs can stand on, from its tar if need be, and gives its path. */
  mount(diffId: string): Promise<string>;

  /** The path that `mount` gives. */
  pathOf(diffId: string): string;

  /** Unmounts and deletes what `apply` made; the caller knows that nothing uses the layer. */
  remove(diffId: string): Promise<void>;

  /** Pairs for `/info`. */
  status(): [string, string][];

  /** Unmounts the layers that are not in use. */
  unmountUnused(isUsed: (diffId: string) => boolean): Promise<void>;
}
