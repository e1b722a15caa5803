import type { Client } from '#api/client/client.ts';
import { readContainerPath, statContainerPath } from '#api/client/container-files.ts';
import { GO_DIRECTORY, GO_SYMLINK } from '#lib/go-file-mode.ts';
import { type Context, print } from '../command.ts';
import { checkOutputPath } from '../output-file.ts';
import type { ContainerPath } from './argument.ts';
import { chooseDestination, renamed } from './destination.ts';
import { linkDestination, renamedBy, splitEntry, toBytes, withEndOf } from './paths.ts';
import { copyProgress } from './progress.ts';

/** Copies what is at a path of a container to a path here, or its tar to standard output. */
export async function copyFrom(
  context: Context,
  client: Client,
  { container, path }: ContainerPath,
  target: string,
  { followLink, quiet }: { followLink: boolean; quiet: boolean },
): Promise<void> {
  if (target !== '-') await checkOutputPath(target, { folder: true });
  const source = followLink ? await followed(client, container, path) : { path, newName: '' };
  const asked = readContainerPath(client, container, source.path);
  const unpacking = target === '-' ? undefined : import('./unpack.ts'); // while the daemon looks
  const { stat, tar } = await asked;
  if (unpacking === undefined) {
    for await (const piece of tar) await print(context.stdout, piece);
    return;
  }
  const { findTarget, unpack } = await unpacking;
  const isFolder = (stat.mode & GO_DIRECTORY) !== 0;
  const { folder, rename } = chooseDestination({ ...source, isFolder }, await findTarget(target));
  const first = { from: toBytes(splitEntry(source.path).name), to: toBytes(source.newName) };
  const own = source.newName === '' ? (name: string) => name : (name: string) => renamed(name, first);
  const last = rename && { from: toBytes(rename.from), to: toBytes(rename.to) };
  const progress = copyProgress(context, { heading: 'Copying from container - ', quiet });
  try {
    const rename = (name: string) => (last ? renamed(own(name), last) : own(name));
    await unpack(progress.count(tar), folder, { rename, taken: progress.add, live: progress.live });
  } catch (error) {
    progress.end();
    throw error;
  }
  progress.end(target);
}

/** Where the link at a path of a container leads; the path itself when there is none, or nothing. */
async function followed(client: Client, container: string, path: string): Promise<{ path: string; newName: string }> {
  const stat = await statContainerPath(client, container, path);
  if (!stat || (stat.mode & GO_SYMLINK) === 0) return { path, newName: '' };
  const resolved = withEndOf(linkDestination(path, stat.linkTarget), path);
  return { path: resolved, newName: renamedBy(path, resolved) };
}
