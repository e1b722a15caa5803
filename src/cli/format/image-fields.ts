import type { ImageSummary } from '#api/types/image.ts';
import type { Fields } from './list.ts';
import { ago, goTime, humanSize, shortId } from './units.ts';

/** One line of `images`: an image under one of its names. */
export interface ImageRow {
  image: ImageSummary;
  repository: string;
  tag: string;
  digest: string;
}

const none = '<none>';

/** A line for each name of each image; with `digests` one for each digest of a repository that has several. */
export function imageRows(images: ImageSummary[], digests: boolean): ImageRow[] {
  return images.flatMap((image) => {
    const tags = splitAll(image.RepoTags, ':');
    const byDigest = splitAll(image.RepoDigests, '@');
    const repositories = new Set([...tags, ...byDigest].map(([repository]) => repository));
    const rows = [...repositories].flatMap((repository) => {
      const own = tags.filter(([name]) => name === repository).map(([, tag]) => tag);
      const sums = byDigest.filter(([name]) => name === repository).map(([, digest]) => digest);
      const digestCells = digests && sums.length > 0 ? sums : [sums[0] ?? none];
      return (own.length > 0 ? own : [none]).flatMap((tag) =>
        (digests ? digestCells : digestCells.slice(0, 1)).map((digest) => ({ image, repository, tag, digest })),
      );
    });
    return rows.length > 0 ? rows : [{ image, repository: none, tag: none, digest: none }];
  });
}

function splitAll(names: string[] | null, separator: string): [repository: string, rest: string][] {
  return (names ?? [])
    .filter((name) => !name.startsWith(none))
    .map((name) => {
      const at = name.lastIndexOf(separator);
      return [name.slice(0, at), name.slice(at + 1)];
    });
}

export const imageColumns = ['Repository', 'Tag', 'ID', 'CreatedSince', 'Size'];
export const imageColumnsWithDigest = ['Repository', 'Tag', 'Digest', 'ID', 'CreatedSince', 'Size'];

const counted = (value: number | undefined) => (value === undefined || value === -1 ? 'N/A' : undefined);
const sized = (bytes: number | undefined) => counted(bytes) ?? humanSize(bytes!, 3);

/** What `images` can show of an image; `full` keeps ids whole. */
export function imageFields(full: boolean): Fields<ImageRow> {
  return {
    ID: { header: 'IMAGE ID', value: ({ image }) => (full ? image.Id : shortId(image.Id)) },
    Repository: { header: 'REPOSITORY', value: (row) => row.repository },
    Tag: { header: 'TAG', value: (row) => row.tag },
    Digest: { header: 'DIGEST', value: (row) => row.digest },
    CreatedSince: { header: 'CREATED', value: ({ image }) => (image.Created > 0 ? ago(image.Created) : 'N/A') },
    CreatedAt: { header: 'CREATED AT', value: ({ image }) => goTime(image.Created) },
    Size: { header: 'SIZE', value: ({ image }) => humanSize(image.Size, 3) },
    Containers: { header: 'CONTAINERS', value: ({ image }) => counted(image.Containers) ?? String(image.Containers) },
    VirtualSize: { header: 'SIZE', value: ({ image }) => humanSize(image.Size) },
    SharedSize: { header: 'SHARED SIZE', value: ({ image }) => sized(image.SharedSize) },
    UniqueSize: {
      header: 'UNIQUE SIZE',
      value: ({ image }) => counted(image.SharedSize) ?? humanSize(image.Size - image.SharedSize, 3),
    },
  };
}
