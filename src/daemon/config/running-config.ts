import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Launcher } from '#linux/launcher-types.ts';
import { buildConfig, type DaemonConfig } from './config.ts';
import type { OptionValues } from './config-sources.ts';

/** The launcher's key. */
const KEY = 'configuration';

/**
 * Has the launcher hold the options that count, as a file without a name, for an engine that takes over from one that was
 * killed: by then daemon.json may say something else, or nothing that can be read.
 */
export async function keepOptions(launcher: Pick<Launcher, 'keepDescriptor'>, options: OptionValues): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-config-'));
  try {
    await using file = await open(join(folder, 'options.json'), 'wx+', 0o600);
    await file.writeFile(JSON.stringify([...options]));
    await launcher.keepDescriptor(KEY, file.fd);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The configuration of the engine before this one of the same daemon; undefined for the first. */
export async function keptConfig({ kept }: Pick<Launcher, 'kept'>): Promise<DaemonConfig | undefined> {
  const descriptor = kept.get(KEY);
  if (descriptor === undefined) return undefined;
  return buildConfig(new Map(JSON.parse(await readFile(`/proc/self/fd/${descriptor}`, 'utf8'))));
}
