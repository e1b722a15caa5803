import { type Prunable, type PruneReport, prune } from '#api/client/prune.ts';
import type { ImageDeleteResponseItem } from '#api/types/image.ts';
import { type Context, printLine } from './command.ts';
import { humanSize } from './format/units.ts';

/** The lines above the names of what is gone. */
const HEADINGS: Readonly<Record<Prunable, string>> = {
  containers: 'Deleted Containers:',
  networks: 'Deleted Networks:',
  volumes: 'Deleted Volumes:',
  images: 'Deleted Images:',
  build: 'Deleted build cache objects:',
};

/** Prunes one kind of objects and prints what is gone, with an empty line after it; gives the bytes reclaimed. */
export async function pruneAndPrint(
  context: Context,
  kind: Prunable,
  filters: Record<string, string[]>,
): Promise<number> {
  const { deleted, reclaimed }: PruneReport = await prune(await context.client(), kind, filters);
  if (deleted.length > 0) {
    const lines = deleted.map((item) => (typeof item === 'string' ? item : imageLine(item)));
    await printLine(context, [HEADINGS[kind], ...lines, ''].join('\n'));
  }
  return reclaimed;
}

const imageLine = ({ Untagged, Deleted }: ImageDeleteResponseItem) =>
  Untagged === undefined ? `deleted: ${Deleted}` : `untagged: ${Untagged}`;

/** The last line of every prune. */
export async function printReclaimed(context: Context, bytes: number): Promise<void> {
  await printLine(context, `Total reclaimed space: ${humanSize(bytes)}`);
}
