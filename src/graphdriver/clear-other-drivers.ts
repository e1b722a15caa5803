import { join } from 'node:path';
import { DRIVERS, type DriverName } from './driver.ts';
import type { DriverParts } from './parts.ts';

/**
 * Takes away what other drivers made of the layers, which this one makes anew from their tars, once no container's root
 * is mounted any more that might stand on it. Writable layers stay.
 */
export async function clearOtherDrivers(
  name: DriverName,
  {
    root,
    layersRoot,
    launcher,
    temporary,
    mounts,
  }: Pick<DriverParts, 'root' | 'layersRoot' | 'launcher' | 'temporary' | 'mounts'>,
): Promise<void> {
  const below = (path: string) =>
    mounts.map(({ mountPoint }) => mountPoint).filter((point) => point.startsWith(`${path}/`));
  if (below(join(root, 'containers')).length > 0) return;
  if (name !== 'erofs') {
    for (const mountPoint of below(layersRoot).reverse()) await launcher.unmount(mountPoint);
  }
  for (const other of DRIVERS) if (other !== name) await temporary.bury(join(root, other), other);
}
