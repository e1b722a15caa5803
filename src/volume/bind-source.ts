import { mkdir, realpath, stat } from 'node:fs/promises';
import { errnoCode, invalid, system } from '#errors/errors.ts';
import { type MountInfo, mountOf, readMountInfo } from '#linux/mountinfo.ts';
import type { ResolvedMount } from './resolved-mount.ts';

/** Makes sure that the source of a bind is there. Throws in Docker's words when it is not and may not be made. */
export async function ensureBindSource(source: string, create: boolean): Promise<void> {
  if (await exists(source)) return;
  if (!create) {
    throw invalid(`invalid mount config for type "bind": bind source path does not exist: ${source}`, {
      hint: '-v makes a missing folder, --mount does not.',
    });
  }
  try {
    await mkdir(source, { recursive: true, mode: 0o755 });
  } catch (cause) {
    const code = errnoCode(cause);
    throw system(`error while creating mount source path '${source}': mkdir ${source}: ${code}`, { cause });
  }
}

/**
 * Looks at the binds of a container once more when it starts: sources may have gone, and propagation depends on the
 * mount that the source lies on. Throws in Docker's words.
 */
export async function checkBinds(mounts: readonly ResolvedMount[]): Promise<void> {
  const binds = mounts.filter(({ type }) => type === 'bind');
  for (const { source, createSource } of binds) await ensureBindSource(source, createSource ?? false);
  const propagated = binds.filter(({ propagation }) => /^r?(shared|slave)$/.test(propagation));
  if (propagated.length === 0) return;
  const table = await readMountInfo();
  for (const { source, propagation, followsDataRoot } of propagated) {
    if (!followsDataRoot) checkPropagation(source, propagation, mountOf(table, await realpath(source)));
  }
}

function checkPropagation(source: string, propagation: string, mount: MountInfo | undefined): void {
  const has = (kind: string) => mount?.propagation.some((field) => field.startsWith(`${kind}:`)) ?? false;
  const needsShared = propagation.endsWith('shared');
  if (has('shared') || (!needsShared && has('master'))) return;
  const what = needsShared ? 'a shared mount' : 'a shared or slave mount';
  throw invalid(`path ${source} is mounted on ${mount?.mountPoint ?? '/'} but it is not ${what}`, {
    hint: `Change that with: mount --make-${needsShared ? 'shared' : 'slave'} ${mount?.mountPoint ?? '/'}`,
  });
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    const code = errnoCode(error);
    if (code === 'ENOENT') return false;
    if (code === 'ENOTDIR') throw invalid(`invalid mount config for type "bind": stat ${path}: not a directory`);
    throw error;
  }
}
