/** Storage drivers for tests. */
import { join } from 'node:path';
import type { DriverUnderTest } from '#graphdriver/contract.ts';
import { DRIVERS, type DriverName } from '#graphdriver/driver.ts';
import { openDriver } from '#graphdriver/open-driver.ts';
import type { DriverOptions } from '#graphdriver/parts.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import { startLauncher, type TestLauncher } from './launcher.ts';

/** The driver of daemons and graphs whose test does not say: that of `WHERRY_TEST_STORAGE_DRIVER`, else erofs. */
export const defaultDriver: DriverName =
  DRIVERS.find((name) => name === process.env.WHERRY_TEST_STORAGE_DRIVER) ?? DRIVERS[0];

/** A driver's folders in `home`: `graph` and `layers`. */
export function driverOptions(
  home: string,
  launcher: Launcher,
  contentPath: DriverOptions['contentPath'],
): DriverOptions {
  return { root: join(home, 'graph'), layersRoot: join(home, 'layers'), launcher, contentPath };
}

/** A driver for the contract's suite, with a launcher of its own. */
export function contractFor(name: DriverName): DriverUnderTest {
  let server: TestLauncher | undefined;
  return {
    name,
    overlayfs: name !== 'vfs',
    async open(home, contentPath) {
      server ??= await startLauncher();
      return openDriver(name, driverOptions(home, server.launcher, contentPath));
    },
    close: async () => server?.close(),
  };
}
