import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import type { Launcher } from '#linux/launcher-types.ts';
import { buildConfig, type DaemonConfig } from './config.ts';
import type { OptionValues } from './config-sources.ts';

/** The launcher's key. */
const KEY = 'configuration';
/** Makes a file without a name in the folder that is opened; open(2), asm-generic/fcntl.h. */
const O_TMPFILE = 0o20200000;

/**
 * Has the launcher hold the options that count, as a file without a name, for an engine that takes over from one that was
 * killed: by then daemon.json may say something else, or nothing that can be read.
 */
export async function keepOptions(launcher: Pick<Launcher, 'keepDescriptor'>, options: OptionValues): Promise<void> {
  await using file = await open(tmpdir(), O_TMPFILE | constants.O_RDWR, 0o600);
  await file.writeFile(JSON.stringify([...options]));
  await launcher.keepDescriptor(KEY, file.fd);
}

/** The configuration of the engine before this one of the same daemon; undefined for the first. */
export async function keptConfig({ kept }: Pick<Launcher, 'kept'>): Promise<DaemonConfig | undefined> {
  const descriptor = kept.get(KEY);
  if (descriptor === undefined) return undefined;
  return buildConfig(new Map(JSON.parse(await readFile(`/proc/self/fd/${descriptor}`, 'utf8'))));
}
