import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoCode, system } from '#errors/errors.ts';
import type { CgroupSupport } from './cgroup.ts';

/** Microseconds. */
const PERIOD = 1_000_000;

/**
 * Gives the groups above `path` the real-time CPU time that `runtime` microseconds in each `period` of it need: the kernel
 * lets a group have only what its parent has and other groups there do not. Only cgroup v1 knows such budgets. One call
 * at a time. Throws `system` when the root has not so much left. Source: Documentation/scheduler/sched-rt-group.rst.
 */
export async function reserveRealtime(
  support: CgroupSupport,
  path: string,
  { runtime, period }: { runtime: number; period: number },
): Promise<void> {
  const root = support.controllers.get('cpu');
  if (support.version !== 1 || root === undefined || runtime <= 0) return;
  const own = join(root, path);
  const parents = ancestors(root, own);
  for (const folder of parents) await mkdir(folder, { recursive: true });
  let missing = runtime / (period || PERIOD) - (await budgetOf(own));
  const raised: { folder: string; share: number }[] = [];
  for (const folder of parents) {
    const share = await budgetOf(folder);
    missing = (await usedIn(folder)) + missing - share;
    if (missing <= 0) break;
    raised.unshift({ folder, share: share + missing });
  }
  for (const { folder, share } of raised) await setBudget(folder, Math.ceil(share * PERIOD));
}

/** The groups between, the nearest first, without the root and the group itself. */
function ancestors(root: string, own: string): string[] {
  const found: string[] = [];
  for (let folder = dirname(own); folder !== root && folder.startsWith(root); folder = dirname(folder)) {
    found.push(folder);
  }
  return found;
}

/** As a share of one CPU's time; 0 for a group that is not there. */
async function budgetOf(folder: string): Promise<number> {
  try {
    const numbers = ['cpu.rt_runtime_us', 'cpu.rt_period_us'].map((name) => readFile(join(folder, name), 'utf8'));
    const [runtime, period] = (await Promise.all(numbers)).map(Number);
    return runtime! / period!;
  } catch (error) {
    if (errnoCode(error) === 'ENOENT' || errnoCode(error) === 'ENODEV') return 0;
    throw error;
  }
}

async function usedIn(folder: string): Promise<number> {
  const groups = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const shares = await Promise.all(groups.map(({ name }) => budgetOf(join(folder, name))));
  return shares.reduce((sum, share) => sum + share, 0);
}

async function setBudget(folder: string, microseconds: number): Promise<void> {
  try {
    await writeFile(join(folder, 'cpu.rt_period_us'), String(PERIOD));
    await writeFile(join(folder, 'cpu.rt_runtime_us'), String(microseconds));
  } catch (cause) {
    throw system(`there is not enough real-time CPU time left for ${microseconds / 1000} ms a second in ${folder}`, {
      cause,
      hint: 'kernel.sched_rt_runtime_us and the other groups below the root leave less.',
    });
  }
}
