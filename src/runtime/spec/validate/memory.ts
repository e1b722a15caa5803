import type { Resources } from '#api/types/host-config.ts';
import { invalid } from '#errors/errors.ts';
import type { CgroupFeatures } from '#linux/cgroup.ts';
import { type Adjustment, discardUnsupported } from './adjustment.ts';

/** Bytes: less does not let a container start. */
const MIN_MEMORY = 6 * 1024 * 1024;

/** Drops the memory limits that the kernel cannot keep. */
export function adjustMemory(resources: Resources, features: CgroupFeatures): Adjustment {
  const unmounted = 'or the cgroup is not mounted.';
  return discardUnsupported([
    {
      asked: resources.Memory > 0,
      supported: features.memory,
      changes: { Memory: 0, MemorySwap: -1 },
      warning: `Your kernel does not support memory limit capabilities ${unmounted} Limitation discarded.`,
    },
    {
      asked: resources.Memory > 0 && features.memory && BigInt(resources.MemorySwap) !== -1n,
      supported: features.swap,
      changes: { MemorySwap: -1 },
      warning: `Your kernel does not support swap limit capabilities ${unmounted} Memory limited without swap.`,
    },
    {
      asked: (resources.MemorySwappiness ?? -1) >= 0,
      supported: features.swappiness,
      changes: { MemorySwappiness: null },
      warning: `Your kernel does not support memory swappiness capabilities ${unmounted} Memory swappiness discarded.`,
    },
    {
      asked: resources.MemoryReservation > 0,
      supported: features.memoryReservation,
      changes: { MemoryReservation: 0 },
      warning: `Your kernel does not support memory soft limit capabilities ${unmounted} Limitation discarded.`,
    },
    {
      asked: resources.OomKillDisable === true,
      supported: features.oomKillDisable,
      changes: { OomKillDisable: null },
      warning: 'Your kernel does not support OomKillDisable. OomKillDisable discarded.',
    },
  ]);
}

/** Gives warnings; throws `invalid` in Docker's words for limits that are too low or contradict each other. */
export function checkMemory(resources: Resources): string[] {
  const { Memory, MemorySwap, MemoryReservation, MemorySwappiness, OomKillDisable } = resources;
  if (Memory !== 0 && Memory < MIN_MEMORY) throw invalid('Minimum memory limit allowed is 6MB');
  if (Memory > 0 && MemorySwap > 0 && MemorySwap < Memory) {
    throw invalid('Minimum memoryswap limit should be larger than memory limit, see usage');
  }
  if (Memory === 0 && MemorySwap > 0) {
    throw invalid('You should always set the Memory limit when using Memoryswap limit, see usage');
  }
  if (MemorySwappiness !== null && (MemorySwappiness < -1 || MemorySwappiness > 100)) {
    throw invalid(`Invalid value: ${MemorySwappiness}, valid memory swappiness range is 0-100`);
  }
  if (MemoryReservation !== 0 && MemoryReservation < MIN_MEMORY) {
    throw invalid('Minimum memory reservation allowed is 6MB');
  }
  if (Memory > 0 && MemoryReservation > 0 && Memory < MemoryReservation) {
    throw invalid('Minimum memory limit can not be less than memory reservation limit, see usage');
  }
  if (!OomKillDisable || Memory > 0) return [];
  return [
    'OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.',
  ];
}
