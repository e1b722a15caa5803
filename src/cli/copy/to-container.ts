import type { Client } from '#api/client/client.ts';
import { statContainerPath, writeContainerPath } from '#api/client/container-files.ts';
import type { BodyOptions } from '#api/client/http1.ts';
import { GO_DEVICE, GO_DIRECTORY, GO_SYMLINK } from '#lib/go-file-mode.ts';
import type { Context } from '../command.ts';
import { CommandError } from '../errors.ts';
import type { ContainerPath } from './argument.ts';
import { chooseDestination, type FoundTarget, renamed } from './destination.ts';
import { linkDestination, splitEntry } from './paths.ts';
import { copyProgress } from './progress.ts';
import { findSource } from './source.ts';

/** Copies what is at a path here, or the tar of standard input, to a path of a container. */
export async function copyTo(
  context: Context,
  client: Client,
  given: string,
  { container, path }: ContainerPath,
  { followLink, quiet, archive }: { followLink: boolean; quiet: boolean; archive: boolean },
): Promise<void> {
  const looked = findInContainer(client, container, path);
  const preparing = given === '-' ? undefined : prepare(given, followLink);
  preparing?.catch(() => {}); // what is wrong with the other side comes first
  const target = await looked;
  if (preparing === undefined) {
    if (target.is !== 'folder') throw new CommandError(`destination "${container}:${path}" must be a directory`);
    await writeContainerPath(client, container, target.path, context.stdin, { toUser: archive });
    return;
  }
  const { source, packHere } = await preparing;
  const { folder, rename } = chooseDestination(source, target);
  const from = splitEntry(source.path);
  const own = source.newName === '' ? from.name : renamed(from.name, { from: from.name, to: source.newName });
  const as = rename ? renamed(own, rename) : own;
  const progress = copyProgress(context, { heading: 'Copying to container - ', quiet });
  const packed = { ...from, as: as.replace(/(.)\/$/, '$1'), path: source.path };
  const tar = (to: BodyOptions) => packHere(packed, { ...to, sent: progress.set });
  try {
    await writeContainerPath(client, container, folder, tar, { toUser: archive });
  } catch (error) {
    progress.end();
    throw error;
  }
  progress.end(`${container}:${target.path}`);
}

/** What has to be known and loaded here, while the daemon looks at its side. */
async function prepare(given: string, followLink: boolean) {
  const [source, { packHere }] = await Promise.all([findSource(given, followLink), import('#programs/tree-here.ts')]);
  return { source, packHere };
}

/** What is at a path of a container, a last link followed. Throws CommandError for what can be no target. */
async function findInContainer(client: Client, container: string, path: string): Promise<FoundTarget> {
  let target = path;
  let stat = await statContainerPath(client, container, path);
  if (stat && (stat.mode & GO_SYMLINK) !== 0) {
    target = linkDestination(path, stat.linkTarget);
    stat = await statContainerPath(client, container, target);
  }
  if (!stat) return { path: target };
  if ((stat.mode & GO_DIRECTORY) !== 0) return { path: target, is: 'folder' };
  if ((stat.mode & GO_DEVICE) !== 0) {
    throw new CommandError(`destination "${container}:${path}" must be a directory or a regular file: got a device`);
  }
  return { path: target, is: 'file' };
}
