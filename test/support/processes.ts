import { readdir, readFile } from 'node:fs/promises';

/** The process of the monitor that runs a container. */
export async function monitorOf(containerId: string): Promise<number> {
  for (const pid of await readdir('/proc')) {
    const command = /^\d+$/.test(pid) ? await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '') : '';
    if (command.includes('wherry-monitor') && command.includes(containerId)) return Number(pid);
  }
  throw new Error(`no monitor of ${containerId}`);
}
