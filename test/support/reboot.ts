/** A restart of the machine, as far as a daemon can tell: everything that runs, is mounted or lies in /run is gone. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { run, type TestDaemon } from './daemon.ts';
import { processesNaming } from './processes.ts';

/** Ends the daemon and its containers without a word, and starts it again as after another boot. */
export async function reboot(daemon: TestDaemon): Promise<void> {
  const ids = (await daemon.ok(['ps', '-aq', '--no-trunc'])).split('\n').filter(Boolean);
  const inspected = ids.length > 0 ? await daemon.ok(['inspect', '-f', '{{.State.Pid}}', ...ids]) : '';
  const engine = await daemon.enginePid();
  process.kill(daemon.launcherPid(), 'SIGKILL');
  await gone(engine);
  for (const pid of await processesNaming('wherry-monitor', daemon.folder)) {
    kill(pid);
    await gone(pid);
  }
  for (const pid of inspected.split('\n').map(Number).filter(Boolean)) {
    kill(pid);
    await gone(pid);
  }
  for (const path of (await mountsBelow(daemon.folder)).reverse()) await run('umount', ['-l', path], '', process.env);
  await rm(daemon.execRoot, { recursive: true, force: true });
  const database = new DatabaseSync(join(daemon.dataRoot, 'wherry.db'));
  const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  database.exec(`UPDATE containers SET record = replace(record, '${boot}', '00000000-0000-4000-8000-000000000000')`);
  database.close();
  await daemon.start();
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** A zombie counts as gone. */
async function gone(pid: number): Promise<void> {
  while (!/^(.*\) [ZX] |$)/s.test(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''))) await sleep(5);
}

async function mountsBelow(base: string): Promise<string[]> {
  const text = await readFile('/proc/self/mountinfo', 'utf8');
  return text.split('\n').flatMap((line) => (line.split(' ')[4]?.startsWith(base) ? [line.split(' ')[4]!] : []));
}
