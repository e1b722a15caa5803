import type { ImageInspect } from '#api/types/image.ts';
import { familiarReference } from '#lib/reference.ts';
import { formatTime } from '#lib/time.ts';
import { findImage } from './lookup.ts';
import type { GraphState } from './state.ts';

/** Everything about one image, in Docker's form. Throws `not-found`. */
export function inspectImage(state: GraphState, name: string): ImageInspect {
  const { image, parent, lastTaggedAt } = findImage(state, name);
  const references = state.references.of(image.id);
  return {
    Id: image.id,
    RepoTags: references.filter(({ digest }) => digest === undefined).map(familiarReference),
    RepoDigests: references.filter(({ digest }) => digest !== undefined).map(familiarReference),
    Parent: parent ?? '',
    Comment: image.comment,
    ...(image.created !== undefined && { Created: image.createdAt ? formatTime(image.createdAt) : image.created }),
    DockerVersion: image.dockerVersion,
    Author: image.author,
    Config: image.config ?? null,
    Architecture: image.architecture,
    ...(image.variant && { Variant: image.variant }),
    Os: image.os || 'linux',
    ...(image.osVersion && { OsVersion: image.osVersion }),
    Size: image.size,
    GraphDriver: { Name: state.driver.name, Data: null },
    RootFS: { Type: 'layers', ...(image.diffIds.length > 0 && { Layers: [...image.diffIds] }) },
    Metadata: { LastTagTime: formatTime(lastTaggedAt) },
  };
}
