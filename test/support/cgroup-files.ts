/** What the kernel keeps of a container, in the files of its control group. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { detectCgroups } from '#linux/cgroup.ts';
import { cgroupFolder, containerCgroup } from '#linux/cgroup-paths.ts';

export const cgroups = await detectCgroups();

/**
 * The text of a limit's file, without its last newline. `v1` is `controller/file` (`memory/memory.limit_in_bytes`), `v2`
 * the file of the unified hierarchy.
 */
export async function cgroupFile(id: string, v1: string, v2: string, parent = ''): Promise<string> {
  const [controller = '', legacy = ''] = v1.split('/');
  const folder = cgroupFolder(cgroups, controller, containerCgroup('cgroupfs', parent, id).path);
  if (folder === undefined) throw new Error(`the controller ${controller} is not mounted`);
  return (await readFile(join(folder, cgroups.version === 1 ? legacy : v2), 'utf8')).trimEnd();
}
