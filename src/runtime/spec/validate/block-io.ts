import type { Resources } from '#api/types/host-config.ts';
import { invalid } from '#errors/errors.ts';
import type { CgroupFeatures } from '#linux/cgroup.ts';
import { type Adjustment, type Discard, discardUnsupported } from './adjustment.ts';

const THROTTLES = [
  ['BlkioDeviceReadBps', 'BPS Block I/O read limit', 'Block I/O BPS read limit'],
  ['BlkioDeviceWriteBps', 'BPS Block I/O write limit', 'Block I/O BPS write limit'],
  ['BlkioDeviceReadIOps', 'IOPS Block read limit', 'Block I/O IOPS read limit'],
  ['BlkioDeviceWriteIOps', 'IOPS Block write limit', 'Block I/O IOPS write limit'],
] as const;

/** Drops the limits of block devices that the kernel cannot keep. */
export function adjustBlockIO(resources: Resources, features: CgroupFeatures): Adjustment {
  const throttles: Discard[] = THROTTLES.map(([field, lacking, dropped]) => ({
    asked: (resources[field]?.length ?? 0) > 0,
    supported: features.blkioThrottle,
    changes: { [field]: [] },
    warning: `Your kernel does not support ${lacking} or the cgroup is not mounted. ${dropped} discarded.`,
  }));
  return discardUnsupported([
    {
      asked: resources.BlkioWeight > 0,
      supported: features.blkioWeight,
      changes: { BlkioWeight: 0 },
      warning: 'Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.',
    },
    {
      asked: (resources.BlkioWeightDevice?.length ?? 0) > 0,
      supported: features.blkioWeightDevice,
      changes: { BlkioWeightDevice: [] },
      warning:
        'Your kernel does not support Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.',
    },
    ...throttles,
  ]);
}

/** Throws `invalid` in Docker's words. */
export function checkBlockIO(resources: Resources): void {
  const { BlkioWeight, BlkioWeightDevice, IOMaximumBandwidth, IOMaximumIOps } = resources;
  const weights = [BlkioWeight, ...(BlkioWeightDevice ?? []).map(({ Weight }) => Weight)];
  if (weights.some((weight) => weight !== 0 && (weight < 10 || weight > 1000))) {
    throw invalid('Range of blkio weight is from 10 to 1000');
  }
  const unsupported = (what: string) =>
    invalid(`Invalid QoS settings: linux does not support configuration of ${what}`);
  if (BigInt(IOMaximumBandwidth) !== 0n) throw unsupported('maximum bandwidth');
  if (BigInt(IOMaximumIOps) !== 0n) throw unsupported('maximum IOPs');
}
