import type { ImageConfig, ImageInspect, ImageSummary } from '#api/types/image.ts';
import { perVersion } from './per-version.ts';

/** Replies about images, made what an older client expects. */

type OldSummary = ImageSummary & { VirtualSize?: number };
type OldInspect = ImageInspect & { VirtualSize?: number; Container?: string; ContainerConfig?: unknown };

/** One row of `images` for version 1.`version`. */
export const downgradeImageSummary = perVersion((summary: ImageSummary, version: number): OldSummary => {
  if (version >= 48) return summary;
  const older: OldSummary = { ...summary };
  delete older.Descriptor;
  if (version < 44) older.VirtualSize = summary.Size;
  if (version < 43 && summary.RepoTags.length === 0 && summary.RepoDigests.length === 0) {
    older.RepoTags = ['<none>:<none>'];
    older.RepoDigests = ['<none>@<none>'];
  }
  return older;
});

/** The fields of a container's config that stood, always empty, in an image's before 1.50. */
const CONTAINER_FIELDS = {
  Hostname: '',
  Domainname: '',
  User: '',
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Env: null,
  Cmd: null,
  Image: '',
  Volumes: null,
  WorkingDir: '',
  Entrypoint: null,
  OnBuild: null,
  Labels: null,
};

/** An inspect reply for version 1.`version`. */
export const downgradeImageInspect = perVersion((image: ImageInspect, version: number): OldInspect => {
  if (version >= 50) return image;
  const older: OldInspect = { ...image };
  if (image.Config) older.Config = { ...CONTAINER_FIELDS, ...image.Config } as ImageConfig;
  if (version < 48) delete older.Descriptor;
  if (version < 45) {
    older.Container = '';
    older.ContainerConfig = { ...CONTAINER_FIELDS };
  }
  if (version < 44) older.VirtualSize = image.Size;
  return older;
});
