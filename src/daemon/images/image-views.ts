import type { ImageInspect, ImageSummary, OciPlatform } from '#api/types/image.ts';
import type { Graph } from '#graph/graph.ts';
import type { ListQuery } from '#graph/list.ts';

/** `GET /images/json`, with `manifests` also what each image came with. */
export async function listImages(
  graph: Graph,
  { manifests = false, ...query }: ListQuery & { manifests?: boolean },
): Promise<readonly ImageSummary[]> {
  const rows = graph.list(query);
  if (!manifests) return rows;
  return Promise.all(rows.map(async (row) => ({ ...row, ...(await graph.manifests(row.Id)) })));
}

/** `GET /images/{name}/json`, with `manifests` also what it came with. */
export async function inspectImage(
  graph: Graph,
  name: string,
  { manifests = false, platform }: { manifests?: boolean; platform?: OciPlatform },
): Promise<ImageInspect> {
  const image = graph.inspect(name, platform);
  return manifests ? { ...image, ...(await graph.manifests(image.Id)) } : image;
}
