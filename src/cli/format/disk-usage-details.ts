import type { ContainerSummary } from '#api/types/container.ts';
import type { DiskUsage } from '#api/types/disk-usage.ts';
import type { ImageSummary } from '#api/types/image.ts';
import { containerFields } from './container-fields.ts';
import { cacheColumns, cacheFields, usageRows, volumeUsageColumns, volumeUsageFields } from './disk-usage-fields.ts';
import { type ImageRow, imageFields } from './image-fields.ts';
import { type Fields, methodsOf, renderList } from './list.ts';
import { objectFormatter } from './object.ts';
import { humanSize } from './units.ts';

const imageColumns = ['Repository', 'Tag', 'ID', 'CreatedSince', 'Size', 'SharedSize', 'UniqueSize', 'Containers'];
const containerColumns = ['ID', 'Image', 'Command', 'LocalVolumes', 'Size', 'RunningFor', 'Status', 'Names'];

/** What `system df -v` prints: a table for each kind of objects. */
export async function usageDetails(usage: DiskUsage): Promise<string> {
  const { images, containers, volumes, cache } = rowsOf(usage);
  const cacheSize = usageRows(usage).at(-1)!.size;
  const table = <Row>(rows: Row[], fields: Fields<Row>, columns: string[]) =>
    renderList(rows, fields, { format: '', columns });
  const parts = [
    'Images space usage:\n\n',
    await table(images, imageFields(false), imageColumns),
    '\nContainers space usage:\n\n',
    await table(containers, containerFields(false), containerColumns),
    '\nLocal Volumes space usage:\n\n',
    await table(volumes, volumeUsageFields, volumeUsageColumns),
    `\nBuild cache usage: ${humanSize(cacheSize)}\n\n`,
    await table(cache, cacheFields(false), cacheColumns),
  ];
  return parts.join('');
}

/** `json`, or a template over `.Images`, `.Containers`, `.Volumes` and `.BuildCache`, with ids whole. */
export function usageTemplate(usage: DiskUsage, format: string): string {
  const { images, containers, volumes, cache } = rowsOf(usage);
  const all = <Row>(rows: Row[], fields: Fields<Row>) => rows.map((row) => methodsOf(fields, row));
  return objectFormatter(format === 'json' ? '{{json .}}' : format, { typed: true })({
    Images: all(images, imageFields(true)),
    Containers: all(containers, containerFields(true)),
    Volumes: all(volumes, volumeUsageFields),
    BuildCache: all(cache, cacheFields(true)),
  });
}

function rowsOf({ Images, Containers, Volumes, BuildCache }: DiskUsage) {
  return {
    images: (Images ?? []).map(imageRow),
    // only what the container itself has written
    containers: (Containers ?? []).map((row): ContainerSummary => ({ ...row, SizeRootFs: 0 })),
    volumes: [...(Volumes ?? [])],
    cache: [...(BuildCache ?? [])],
  };
}

/** An image stands on one line, under its first tag. */
function imageRow(image: ImageSummary): ImageRow {
  const [first = ''] = image.RepoTags ?? [];
  const at = first.lastIndexOf(':');
  const named = at > 0 && !first.startsWith('<none>');
  return {
    image,
    repository: named ? first.slice(0, at) : '<none>',
    tag: named ? first.slice(at + 1) : '<none>',
    digest: '',
  };
}
