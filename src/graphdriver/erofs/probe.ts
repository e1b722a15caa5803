import { stat } from 'node:fs/promises';
import { digestOf } from '#lib/digest.ts';
import { runInWorker } from '#lib/worker-pool.ts';
import type { MountRequest } from '#linux/launcher-types.ts';
import { type Bench, overlaySteps, type Probe, writeLayerStep } from '../probe.ts';
import type { IndexJob } from './index-layer.ts';

const MOUNT_ATTR_RDONLY = 0x1;

export const erofsProbe: Probe = {
  driver: 'erofs',
  needs: 'It needs Linux 6.12 or later and a data-root on a disk file system (not tmpfs, not overlay).',
  steps: [
    writeLayerStep,
    ['indexing it', indexProbeLayer],
    ['mounting erofs over files', mountLayer],
    ...overlaySteps('layer'),
  ],
};

async function indexProbeLayer({ at }: Bench): Promise<void> {
  const { size } = await stat(at('tar'));
  const job: IndexJob = { diffId: digestOf('probe'), size, tarPath: at('tar'), path: at('index') };
  await runInWorker(new URL('./index-layer.ts', import.meta.url), job);
}

async function mountLayer({ at, mount }: Bench): Promise<void> {
  const options: MountRequest['options'] = [
    ['ro', null],
    ['source', at('index')],
    ['device', at('tar')],
  ];
  await mount('layer', { fstype: 'erofs', options, attributes: MOUNT_ATTR_RDONLY });
}
