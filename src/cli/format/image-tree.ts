import type { ImageSummary, ManifestSummary, OciPlatform } from '#api/types/image.ts';
import { type Fields, renderList } from './list.ts';
import { humanSize, shortId } from './units.ts';

/** One line of `images --tree`: a name of an image, or a platform that it is for. */
interface TreeRow {
  name: string;
  id: string;
  /** Bytes, as text. */
  disk: string;
  content: string;
  /** A container was made from it. */
  used: boolean;
}

const columns = ['Image', 'ID', 'Disk', 'Content', 'Used'];

/** Images with the platforms of what they came with; what is not here takes no room. `full` keeps ids whole. */
export function imageTree(images: readonly ImageSummary[], { full }: { full: boolean }): Promise<string> {
  const id = (digest: string) => (full ? digest : shortId(digest));
  const fields: Fields<TreeRow> = {
    Image: { header: 'IMAGE', value: ({ name }) => name },
    ID: { header: 'ID', value: (row) => row.id && id(row.id) },
    Disk: { header: 'DISK USAGE', value: ({ disk }) => disk },
    Content: { header: 'CONTENT SIZE', value: ({ content }) => content },
    Used: { header: 'IN USE', value: ({ used }) => (used ? 'yes' : '') },
  };
  return renderList(images.flatMap(rowsOf), fields, { format: '', columns });
}

function rowsOf(image: ImageSummary): TreeRow[] {
  const platforms = (image.Manifests ?? []).flatMap((manifest) => platformRow(manifest) ?? []);
  const [name = '<untagged>', ...more] = image.RepoTags ?? [];
  const here = image.Manifests?.find(({ Available }) => Available);
  const own = {
    name,
    id: image.Id,
    disk: humanSize(here?.Size.Total ?? image.Size),
    content: humanSize(here?.Size.Content ?? image.Size),
    used: platforms.some(({ used }) => used),
  };
  const names = more.map((other): TreeRow => ({ name: other, id: '', disk: '', content: '', used: false }));
  const branches = platforms.map((row, at) => ({
    ...row,
    name: `${at < platforms.length - 1 ? '├─' : '└─'} ${row.name}`,
  }));
  return [own, ...names, ...branches];
}

/** Attestations have no platform and no line. */
function platformRow({ ID, ImageData, Size }: ManifestSummary): TreeRow | undefined {
  if (!ImageData) return undefined;
  const { Platform, Containers } = ImageData;
  const sizes = { disk: humanSize(Size.Total), content: humanSize(Size.Content) };
  return { name: platformName(Platform), id: ID, ...sizes, used: Containers.length > 0 };
}

function platformName({ os, architecture, variant }: OciPlatform): string {
  return [os, architecture, ...(variant ? [variant] : [])].join('/');
}
