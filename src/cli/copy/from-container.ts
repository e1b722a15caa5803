import type { Client } from '#api/client/client.ts';
import { readContainerPath, statContainerPath } from '#api/client/container-files.ts';
import type { ClientSocket, Receivable } from '#lib/client-socket.ts';
import { GO_DIRECTORY, GO_SYMLINK } from '#lib/go-file-mode.ts';
import { type Context, print } from '../command.ts';
import { checkOutputPath } from '../output-file.ts';
import type { ContainerPath } from './argument.ts';
import { type CopiedSource, chooseDestination, renamed } from './destination.ts';
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
  if (target === '-') {
    const { tar } = await readContainerPath(client, container, source.path);
    for await (const piece of tar) await print(context.stdout, piece);
    return;
  }
  let preparing: ReturnType<typeof prepare> | undefined;
  const onSent = (to: ClientSocket) => {
    void preparing?.then(({ unpacker }) => unpacker.stop()); // an older daemon is asked again, on another connection
    preparing = prepare(to);
  };
  try {
    const { stat, tar } = await readContainerPath(client, container, source.path, onSent);
    const isFolder = (stat.mode & GO_DIRECTORY) !== 0;
    await make(context, tar, {
      source: { ...source, isFolder },
      target,
      quiet,
      ...(await (preparing ?? prepare(tar))),
    });
  } finally {
    (await preparing)?.unpacker.stop();
  }
}

/** Loads and starts what makes files here, while the daemon looks for its side. */
async function prepare(daemon: ClientSocket) {
  const [unpacking, { startUnpacker }] = await Promise.all([import('./unpack.ts'), import('#programs/tree-here.ts')]);
  return { unpacking, unpacker: startUnpacker(daemon) };
}

interface Making extends Awaited<ReturnType<typeof prepare>> {
  source: CopiedSource;
  target: string;
  quiet: boolean;
}

async function make(context: Context, tar: Receivable, options: Making): Promise<void> {
  const { source, target, quiet, unpacker, unpacking } = options;
  const { folder, rename } = chooseDestination(source, await unpacking.findTarget(target));
  const first = { from: toBytes(splitEntry(source.path).name), to: toBytes(source.newName) };
  const own = source.newName === '' ? (name: string) => name : (name: string) => renamed(name, first);
  const last = rename && { from: toBytes(rename.from), to: toBytes(rename.to) };
  const progress = copyProgress(context, { heading: 'Copying from container - ', quiet });
  const renameAll = (name: string) => (last ? renamed(own(name), last) : own(name));
  const { add: taken, live } = progress;
  try {
    await unpacking.unpack(progress.count(tar), folder, { unpacker, rename: renameAll, taken, live });
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
