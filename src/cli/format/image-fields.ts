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

export interface ImageRowOptions {
  /** A line for each digest of a repository, and of each repository that has only digests. */
  digests: boolean;
  /** Lines of tags say the digest too. */
  digestOfTag: boolean;
}

/** A line for each name of each image; one line for an image without a name. */
export function imageRows(images: ImageSummary[], options: ImageRowOptions): ImageRow[] {
  return images.flatMap((image) => {
    const tags = Object.groupBy(splitAll(image.RepoTags, ':'), ([repository]) => repository);
    const digests = Object.groupBy(splitAll(image.RepoDigests, '@'), ([repository]) => repository);
    const tagged = Object.entries(tags).flatMap(([repository, names = []]) => {
      const own = (options.digestOfTag && digests[repository]) || [[repository, none] as const];
      return names.flatMap(([, tag]) => own.map(([, digest]) => ({ image, repository, tag, digest })));
    });
    const untagged = Object.entries(digests)
      .filter(([repository]) => !(repository in tags))
      .flatMap(([repository, names = []]) => {
        const shown = options.digests ? names.map(([, digest]) => digest) : [''];
        return shown.map((digest) => ({ image, repository, tag: none, digest }));
      });
    const rows = [...tagged, ...untagged];
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
const sized = (bytes: number | undefined) => counted(bytes) ?? humanSize(bytes!);

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
      value: ({ image }) => counted(image.SharedSize) ?? humanSize(image.Size - image.SharedSize),
    },
  };
}
