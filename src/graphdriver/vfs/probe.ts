import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runInWorker } from '#lib/worker-pool.ts';
import { type Bench, expectText, type Probe, writeLayerStep } from '../probe.ts';
import type { CopyJob } from './copy-chain.ts';

export const vfsProbe: Probe = {
  driver: 'vfs',
  needs: 'It needs a data-root on a file system with owners, permissions and extended attributes.',
  steps: [
    writeLayerStep,
    ['copying it', copyProbeLayer],
    ['mounting the copy', ({ bind }) => bind('tree', 'merged')],
    ['reading it', ({ at }) => expectText(join(at('merged'), 'kept'), 'kept')],
  ],
};

async function copyProbeLayer({ at }: Bench): Promise<void> {
  await mkdir(at('init'));
  const job: CopyJob = { init: at('init'), tars: [at('tar')], folder: at('tree'), empty: false };
  await runInWorker(new URL('./copy-chain.ts', import.meta.url), job);
}
