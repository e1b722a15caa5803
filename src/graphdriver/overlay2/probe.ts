import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '#lib/digest.ts';
import { runInWorker } from '#lib/worker-pool.ts';
import { type Bench, overlaySteps, type Probe, writeLayerStep } from '../probe.ts';
import type { ExtractJob } from './extract-layer.ts';
import { DIFF } from './write-layer.ts';

export const overlay2Probe: Probe = {
  driver: 'overlay2',
  needs: 'It needs overlayfs, and a data-root on a file system that overlayfs can write to (not overlay, not NFS).',
  steps: [writeLayerStep, ['extracting it', extractProbeLayer], ...overlaySteps(join('layer', DIFF))],
};

async function extractProbeLayer({ at }: Bench): Promise<void> {
  const { size } = await stat(at('tar'));
  const job: ExtractJob = { diffId: digestOf('probe'), size, tarPath: at('tar'), path: at('layer') };
  await runInWorker(new URL('./extract-layer.ts', import.meta.url), job);
}
