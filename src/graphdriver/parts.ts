import type { Launcher } from '#linux/launcher-types.ts';
import type { MountInfo } from '#linux/mountinfo.ts';
import type { Temporary } from './temporary.ts';

export interface DriverOptions {
  /** `<data-root>/graph`: layers, writable layers, work in progress. Made if it is not there. */
  root: string;
  /** `<exec-root>/layers`: where layers are mounted, if they are. */
  layersRoot: string;
  launcher: Pick<Launcher, 'mount' | 'bind' | 'unmount' | 'run'>;
  /** The path of a layer's tar in the content store. */
  contentPath(diffId: string): string;
  /** False when the store cannot be trusted: what an earlier engine left stays. */
  sweep?: boolean;
}

/** What every driver is made of: the options, with the root's real path, and what is mounted. */
export interface DriverParts extends DriverOptions {
  temporary: Temporary;
  mounts: readonly MountInfo[];
}
