import { TarParser } from '#archive/tar-parser.ts';
import { LayerTree } from './layer-tree.ts';
import type { NodeId, NodeStore } from './node-store.ts';

/** Reads the tree of a layer into a store while its tar comes. Throws `invalid`; it is of no use after that. */
export class TreeReader {
  readonly #tree: LayerTree;
  readonly #parser: TarParser;

  constructor(store: NodeStore) {
    this.#tree = new LayerTree(store);
    this.#parser = new TarParser({ entry: (entry) => this.#tree.add(entry) });
  }

  /** The next bytes, whose buffer may be used again afterwards. */
  push(bytes: Buffer): void {
    this.#parser.push(bytes);
  }

  /** To be called after the last byte; gives the root. */
  end(): NodeId {
    this.#parser.end();
    this.#tree.end();
    return this.#tree.root;
  }
}
