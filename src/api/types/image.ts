import type { HealthConfig } from './container-config.ts';
import type { StringSet, Timestamp } from './scalar.ts';

/** One row of `images`. */
export interface ImageSummary {
  /** `sha256:...` */
  Id: string;
  /** Empty when it has none. */
  ParentId: string;
  RepoTags: string[];
  RepoDigests: string[];
  /** Seconds since 1970. */
  Created: number;
  /** Bytes of all layers. */
  Size: number;
  /** Bytes shared with other images; -1 = not computed. */
  SharedSize: number;
  Labels: Record<string, string> | null;
  /** Containers that use it; -1 = not computed. */
  Containers: number;
  Descriptor?: OciDescriptor;
  /** Only when asked for. */
  Manifests?: ManifestSummary[];
}

/** One manifest of an image: its own, and the others of the index that it came with. */
export interface ManifestSummary {
  /** The manifest's digest. */
  ID: string;
  Descriptor: OciDescriptor;
  /** Config and layers are here. */
  Available: boolean;
  /** Bytes: `Content` the blobs that are here, `Total` with `ImageData.Size.Unpacked`. */
  Size: { Content: number; Total: number };
  Kind: 'image' | 'attestation' | 'unknown';
  ImageData?: {
    Platform: OciPlatform;
    /** Ids of the containers made from it. */
    Containers: string[];
    /** Bytes of what the storage driver has made of its layers. */
    Size: { Unpacked: number };
  };
  /** The digest of the manifest that it says something about. */
  AttestationData?: { For: string };
}

export interface ImageInspect {
  /** `sha256:...` */
  Id: string;
  RepoTags: string[];
  RepoDigests: string[];
  Parent: string;
  Comment: string;
  Created?: Timestamp;
  DockerVersion: string;
  Author: string;
  Config: ImageConfig | null;
  Architecture: string;
  Variant?: string;
  Os: string;
  OsVersion?: string;
  /** Bytes of all layers. */
  Size: number;
  GraphDriver: GraphDriverData;
  RootFS: RootFS;
  Metadata: { LastTagTime: Timestamp };
  Descriptor?: OciDescriptor;
  /** Only when asked for. */
  Manifests?: ManifestSummary[];
}

/** What an image says about the containers made from it; empty fields are left out. */
export interface ImageConfig {
  User?: string;
  /** Keys `80/tcp`. */
  ExposedPorts?: StringSet;
  Env?: string[] | null;
  Entrypoint?: string[] | null;
  Cmd?: string[] | null;
  Volumes?: StringSet | null;
  WorkingDir?: string;
  Labels?: Record<string, string> | null;
  StopSignal?: string;
  ArgsEscaped?: boolean;
  Healthcheck?: HealthConfig;
  OnBuild?: string[] | null;
  Shell?: string[] | null;
}

export interface RootFS {
  Type: 'layers';
  /** DiffIDs, the lowest layer first. */
  Layers?: string[];
}

/** The storage driver and its view of a root (UpperDir, LowerDir, WorkDir, MergedDir, ...). */
export interface GraphDriverData {
  Name: string;
  Data: Record<string, string> | null;
}

/** One row of `history`, the newest first. */
export interface HistoryResponseItem {
  /** The image's id, or `<missing>`. */
  Id: string;
  /** Seconds since 1970. */
  Created: number;
  CreatedBy: string;
  Tags: string[] | null;
  /** Bytes of this layer. */
  Size: number;
  Comment: string;
}

/** What one step of a removal did; one of the two. */
export type ImageDeleteResponseItem = { Untagged: string; Deleted?: never } | { Deleted: string; Untagged?: never };

/** What a prune has done; null = nothing. */
export interface ImagePruneResponse {
  ImagesDeleted: ImageDeleteResponseItem[] | null;
  /** Bytes. */
  SpaceReclaimed: number;
}

/** A reference to content (OCI Image Spec, descriptor.md). */
export interface OciDescriptor {
  mediaType: string;
  digest: string;
  /** Bytes. */
  size: number;
  urls?: string[];
  annotations?: Record<string, string>;
  data?: string;
  platform?: OciPlatform;
  artifactType?: string;
}

export interface OciPlatform {
  architecture: string;
  os: string;
  'os.version'?: string;
  'os.features'?: string[];
  variant?: string;
}

/** One line of the stream of pull, push, load and build. */
export interface ProgressMessage {
  stream?: string;
  status?: string;
  id?: string;
  progress?: string;
  progressDetail?: { current?: number; total?: number; start?: number; hidecounts?: boolean; units?: string };
  aux?: unknown;
  error?: string;
  errorDetail?: { message: string; code?: number };
}
