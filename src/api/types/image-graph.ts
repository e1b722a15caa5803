/** How images stand on layers: `GET /images/viz?format=json`. Layers come before those that stand on them. */
export interface ImageGraph {
  Layers: GraphLayer[];
  Images: GraphImage[];
}

/** A layer in its place: the same layer over others is another one here. */
export interface GraphLayer {
  /** chainID, `sha256:...`. */
  Id: string;
  /** Digest of the layer's tar. */
  DiffId: string;
  /** chainID of the layer below; empty for the lowest. */
  Parent: string;
  /** Bytes of its files. */
  Size: number;
}

export interface GraphImage {
  /** `sha256:...` */
  Id: string;
  /** The image that it was made from here; empty when none is known. */
  ParentId: string;
  /** chainID of its topmost layer; empty for an image without layers. */
  Layer: string;
  /** Tags, then digests. */
  Names: string[];
  /** Bytes of the files of all of its layers. */
  Size: number;
  /** How many containers were made from it. */
  Containers: number;
}
