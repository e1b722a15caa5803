import { describe, isEngineError } from '#errors/errors.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import { type MountInfo, readMountInfo } from '#linux/mountinfo.ts';
import { clearOtherDrivers } from './clear-other-drivers.ts';
import { DRIVERS, type DriverName, type GraphDriver } from './driver.ts';
import { createErofsDriver } from './erofs/erofs-driver.ts';
import { erofsProbe } from './erofs/probe.ts';
import { createOverlay2Driver } from './overlay2/overlay2-driver.ts';
import { overlay2Probe } from './overlay2/probe.ts';
import { makePrivateFolder } from './private-mount.ts';
import { type Probe, runProbe } from './probe.ts';
import { Temporary } from './temporary.ts';
import { vfsProbe } from './vfs/probe.ts';
import { createVfsDriver } from './vfs/vfs-driver.ts';

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

export interface Choice {
  /** The one that must be used; absent = the first that works. */
  wanted?: DriverName;
  /** One that has been tried since the machine was started, and worked. */
  proven?: DriverName;
  /** Is told why a driver was passed over. */
  warn(message: string, fields: { hint?: string }): void;
}

interface DriverKind {
  probe: Probe;
  create(parts: DriverParts): Promise<GraphDriver>;
}

const kinds: Record<DriverName, DriverKind> = {
  erofs: { probe: erofsProbe, create: createErofsDriver },
  overlay2: { probe: overlay2Probe, create: createOverlay2Driver },
  vfs: { probe: vfsProbe, create: createVfsDriver },
};

/**
 * Opens a driver. It finds again what an earlier engine left mounted, whichever driver that had. Throws system errors of
 * making its folders and EngineErrors of the launcher.
 */
export async function openDriver(name: DriverName, options: DriverOptions): Promise<GraphDriver> {
  const { launcher, sweep = true } = options;
  const mounts = await readMountInfo();
  const root = await makePrivateFolder(options.root, 0o710, mounts, launcher);
  const temporary = new Temporary(root);
  await temporary.open({ sweep });
  const parts: DriverParts = { ...options, root, temporary, mounts };
  if (sweep) await clearOtherDrivers(name, parts);
  return kinds[name].create(parts);
}

/**
 * The driver to use here: the wanted one, or the first that proves by doing that it works. Throws `system` (code
 * `DRIVER_UNUSABLE`), which names the step that failed, for the wanted one or the last.
 */
export async function chooseDriver(options: DriverOptions, { wanted, proven, warn }: Choice): Promise<DriverName> {
  const candidates = wanted ? [wanted] : [...DRIVERS];
  const last = candidates.pop()!;
  for (const name of candidates) {
    if (name === proven) return name;
    try {
      await prove(name, options);
      return name;
    } catch (error) {
      if (!isEngineError(error)) throw error;
      warn(describe(error), { hint: error.hint });
    }
  }
  if (last !== proven) await prove(last, options);
  return last;
}

async function prove(name: DriverName, options: DriverOptions): Promise<void> {
  await runProbe(kinds[name].probe, options);
}
