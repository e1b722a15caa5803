import fc from 'fast-check';
import { anyLayer, damagedLayer } from '#test/support/any-layer.ts';
import { openParityBench } from '#test/support/layer-parity.ts';
import { fuzzTarget } from '../target.ts';

const chain = fc.array(anyLayer, { minLength: 1, maxLength: 3 });
const damaged = damagedLayer.map((layer) => [layer]);

/** Chains of layers: every driver shows the tree that dockerd makes of them. */
export const layerTrees = fuzzTarget<Buffer[]>({
  name: 'layer-trees',
  quick: 120,
  async open() {
    const { compare, close } = await openParityBench();
    return {
      input: fc.oneof({ weight: 3, arbitrary: chain }, { weight: 1, arbitrary: damaged }),
      async check(layers) {
        await compare(layers);
      },
      files: { write: (layers) => layers, read: (files) => files },
      close,
    };
  },
});
