import { lstat, mkdir, readdir, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoCode, invalid, system } from '#errors/errors.ts';
import { syncFolder } from '#lib/durable-file.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import { resolveInRoot } from '#linux/resolve-in-root.ts';

export interface CopyUp {
  /** A container's mounted root that nobody uses yet. */
  rootfs: string;
  /** The volume's target in the container. */
  path: string;
  /** The volume's folder. */
  data: string;
  /** An unused name on the same filesystem: the copy is made there and takes data's place in one step. */
  staging?: string;
}

/**
 * Fills an empty volume with what the image has at its target: owners, modes, times, extended attributes and hard links
 * kept, the folder's own included; durable when it resolves. Does nothing when the volume has content or the image has no such folder. Throws
 * `invalid`, in Docker's words, for a target that is a file.
 */
export async function copyUp(launcher: Pick<Launcher, 'run'>, { rootfs, path, data, staging }: CopyUp): Promise<void> {
  const source = await resolveInRoot(rootfs, path);
  const kind = await kindOf(source);
  if (kind === 'nothing') return;
  if (kind === 'file') throw invalid(`cannot mount volume over existing file, file exists ${path}`);
  if ((await readdir(data)).length > 0) return;
  if (staging === undefined) {
    await copy(launcher, source, data);
    return;
  }
  await run(launcher, ['rm', '-rf', '--one-file-system', '--', staging]);
  await mkdir(dirname(staging), { recursive: true, mode: 0o700 });
  await mkdir(staging);
  await copy(launcher, source, staging);
  await rename(staging, data);
  await syncFolder(dirname(data));
}

async function copy(launcher: Pick<Launcher, 'run'>, source: string, target: string): Promise<void> {
  await run(launcher, ['cp', '--archive', '--reflink=auto', '--', `${source}/.`, target]);
  await run(launcher, ['sync', '--file-system', '--', target]);
}

async function run(launcher: Pick<Launcher, 'run'>, argv: string[]): Promise<void> {
  const { code, signal, stderr } = await launcher.run({ argv });
  if (code === 0) return;
  throw system(`${argv[0]} failed (${code === null ? `signal ${signal}` : code}): ${stderr.toString().trim()}`);
}

async function kindOf(path: string): Promise<'folder' | 'file' | 'nothing'> {
  try {
    return (await lstat(path)).isDirectory() ? 'folder' : 'file';
  } catch (error) {
    const code = errnoCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'nothing';
    throw error;
  }
}
