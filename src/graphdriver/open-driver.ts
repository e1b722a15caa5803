import { describe, errnoCode, isEngineError, system } from '#errors/errors.ts';
import { readMountInfo } from '#linux/mountinfo.ts';
import { clearOtherDrivers } from './clear-other-drivers.ts';
import { DRIVERS, type DriverName, type GraphDriver } from './driver.ts';
import { createErofsDriver } from './erofs/erofs-driver.ts';
import { erofsProbe } from './erofs/probe.ts';
import { createOverlay2Driver } from './overlay2/overlay2-driver.ts';
import { overlay2Probe } from './overlay2/probe.ts';
import type { DriverOptions, DriverParts } from './parts.ts';
import { makePrivateFolder } from './private-mount.ts';
import { type Probe, runProbe } from './probe.ts';
import { Temporary } from './temporary.ts';
import { vfsProbe } from './vfs/probe.ts';
import { createVfsDriver } from './vfs/vfs-driver.ts';

export interface Choice {
  /** The one that must be used; absent = the first that works. */
  wanted?: DriverName;
  /** The one that was used the last time. */
  last?: DriverName;
  /** Whether that has been tried since the machine was started, and worked. */
  proven?: boolean;
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
  const temporary = new Temporary(root, launcher);
  await temporary.open({ sweep });
  const parts: DriverParts = { ...options, root, temporary, mounts };
  if (sweep) await clearOtherDrivers(name, parts);
  return kinds[name].create(parts);
}

/**
 * The driver to use here, and whether it has proven itself: the wanted one, or the first that shows by doing that it
 * works. Throws `system` (code `DRIVER_UNUSABLE`), which names the step that failed, for the wanted one or the last. A
 * full disk proves nothing: the wanted or last one is taken then.
 */
export async function chooseDriver(
  options: DriverOptions,
  { wanted, last, proven, warn }: Choice,
): Promise<{ name: DriverName; proven: boolean }> {
  const candidates = wanted ? [wanted] : [...DRIVERS];
  for (const name of candidates) {
    if (proven && name === last) return { name, proven };
    try {
      await prove(name, options);
      return { name, proven: true };
    } catch (error) {
      if (lacksRoom(error)) {
        warn(`the storage driver could not be tried out: ${describe(error)}`, {});
        return { name: wanted ?? last ?? name, proven: false };
      }
      if (!isEngineError(error) || name === candidates.at(-1)) throw error;
      warn(describe(error), { hint: error.hint });
    }
  }
  throw system('there is no storage driver to choose from');
}

function lacksRoom(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (errnoCode(at) === 'ENOSPC' || errnoCode(at) === 'EDQUOT') return true;
  }
  return false;
}

async function prove(name: DriverName, options: DriverOptions): Promise<void> {
  await runProbe(kinds[name].probe, options);
}
