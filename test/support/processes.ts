import { readdir, readFile } from 'node:fs/promises';

/** The process of the monitor that runs a container. */
export async function monitorOf(containerId: string): Promise<number> {
  const [pid] = await processesNaming('wherry-monitor', containerId, '--bundle');
  if (pid === undefined) throw new Error(`no monitor of ${containerId}`);
  return pid;
}

/** The process of the monitor that runs an exec; undefined when there is none. */
export async function monitorOfExec(execId: string): Promise<number | undefined> {
  return (await processesNaming('wherry-monitor', execId))[0];
}

/** All processes whose command line has all these texts in it. */
export async function processesNaming(...texts: string[]): Promise<number[]> {
  const found: number[] = [];
  for (const pid of await readdir('/proc')) {
    const command = /^\d+$/.test(pid) ? await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '') : '';
    if (texts.every((text) => command.includes(text))) found.push(Number(pid));
  }
  return found;
}
