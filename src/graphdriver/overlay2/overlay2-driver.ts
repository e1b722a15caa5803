import { join } from 'node:path';
import type { GraphDriver } from '../driver.ts';
import { OverlayDriver } from '../overlay-driver.ts';
import type { DriverParts } from '../parts.ts';
import { ExtractedLayers } from './extracted-layers.ts';

/** The driver that extracts a layer into a directory, for kernels that cannot mount EROFS over files. */
export async function createOverlay2Driver(parts: DriverParts): Promise<GraphDriver> {
  const { root, temporary, launcher, contentPath, mounts } = parts;
  const layers = new ExtractedLayers({ folder: join(root, 'overlay2'), temporary, contentPath });
  await layers.open();
  const driver = new OverlayDriver({ name: 'overlay2', root, temporary, launcher, layers });
  await driver.open(mounts);
  return driver;
}
