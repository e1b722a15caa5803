import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '#lib/digest.ts';
import { runInWorker } from '#lib/worker-pool.ts';
import { type Bench, overlaySteps, type Probe, writeLayerStep } from '../probe.ts';
import { DIFF, type ExtractJob } from './extract-layer.ts';

export const overlay2Probe: Probe = {
  driver: 'overlay2',
  needs: 'It needs overlayfs, and a data-root on a file system that overlayfs can write to (not overlay, not NFS).',
  steps: [writeLayerStep, ['extracting it', extractProbeLayer], ...overlaySteps(join('layer', DIFF))],
};

async function extractProbeLayer({ at }: Bench): Promise<void> {
  const { size } = await stat(at('tar'));
  const paths = { tarPath: at('tar'), folder: at('layer'), draft: at('draft') };
  const job: ExtractJob = { diffId: digestOf('probe'), size, ...paths };
  await runInWorker(new URL('./extract-layer.ts', import.meta.url), job);
}
