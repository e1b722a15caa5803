import type { Resources } from '#api/types/host-config.ts';
import { type Adjustment, discardUnsupported } from './adjustment.ts';
import { adjustBlockIO, checkBlockIO } from './block-io.ts';
import { adjustCpu, checkCpu } from './cpu.ts';
import type { HostLimits } from './host-limits.ts';
import { adjustMemory, checkMemory } from './memory.ts';

/**
 * The limits without those that this kernel cannot keep (each with a warning). Throws `invalid` for limits that no
 * kernel could keep.
 */
export function checkResources<R extends Resources>(
  given: R,
  limits: HostLimits,
): { resources: R; warnings: string[] } {
  const { features } = limits.cgroups;
  const adjustments: Adjustment[] = [
    adjustMemory(given, features),
    adjustCpu(given, features),
    adjustBlockIO(given, features),
    discardUnsupported([
      {
        asked: (given.PidsLimit ?? 0) > 0,
        supported: features.pids,
        changes: { PidsLimit: null },
        warning:
          'Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded.',
      },
    ]),
  ];
  const resources = Object.assign({ ...given }, ...adjustments.map(({ changes }) => changes)) as R;
  const memoryWarnings = checkMemory(resources);
  checkCpu(resources, limits);
  checkBlockIO(resources);
  return { resources, warnings: [...adjustments.flatMap(({ warnings }) => warnings), ...memoryWarnings] };
}
