import { join } from 'node:path';
import { startLauncher, type TestLauncher } from '#test/support/launcher.ts';
import { driverContract } from '../contract.ts';
import { createErofsDriver } from './erofs-driver.ts';

let server: TestLauncher | undefined;

driverContract({
  name: 'erofs',
  async open(home, contentPath) {
    server ??= await startLauncher();
    const { launcher } = server;
    return createErofsDriver({ root: join(home, 'graph'), layersRoot: join(home, 'layers'), launcher, contentPath });
  },
  close: async () => server?.close(),
});
