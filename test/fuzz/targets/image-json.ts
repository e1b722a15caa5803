import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isEngineError } from '#errors/errors.ts';
import { draftConfig } from '#image/draft.ts';
import { makeImage, noteImage, recallImage } from '#image/image.ts';
import { parseManifest } from '#image/manifest.ts';
import { type Digest, digestOf } from '#lib/digest.ts';
import { fuzzTarget, oneFile } from '../target.ts';

const rootfs = { type: 'layers', diff_ids: [digestOf('a'), digestOf('b')] };
const leaf = fc.constantFrom<unknown>(
  null,
  0,
  2,
  1.5,
  -1,
  'x',
  '',
  true,
  digestOf('a'),
  '2024-01-02T03:04:05.6Z',
  [],
  {},
);
const key = fc.constantFrom(
  ...[
    'rootfs',
    'diff_ids',
    'config',
    'Labels',
    'Env',
    'Cmd',
    'Healthcheck',
    'Interval',
    'history',
    'empty_layer',
    'created',
  ],
  ...[
    'layers',
    'manifests',
    'digest',
    'size',
    'mediaType',
    'schemaVersion',
    'platform',
    'os',
    'architecture',
    '__proto__',
  ],
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    { weight: 3, arbitrary: leaf },
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(key, tie('value'), { maxKeys: 6 }),
  ),
}));
/** A whole config or manifest of which a few fields are something else. */
const almost = fc
  .tuple(
    fc.constantFrom<object>(
      { architecture: 'amd64', os: 'linux', created: '2024-01-02T03:04:05Z', config: { Cmd: ['x'] }, rootfs, history: [{}] },
      { schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', config: { digest: digestOf('c'), size: 2, mediaType: 'x' }, layers: [{ digest: digestOf('d'), size: 3, mediaType: 'y' }] },
      { schemaVersion: 2, manifests: [{ digest: digestOf('e'), size: 4, mediaType: 'z', platform: { os: 'linux', architecture: 'arm64' } }] },
    ), // biome-ignore format: a table
    fc.dictionary(key, value, { maxKeys: 2 }),
  )
  .map(([whole, other]) => ({ ...whole, ...other }));

/** Configs and manifests: refused with the name of the field, or read so that nothing is lost. */
export const imageJson = fuzzTarget<Buffer>({
  name: 'image-json',
  quick: 2000,
  async open() {
    const noise = fc.uint8Array().map((bytes) => Buffer.from(bytes));
    return {
      input: fc.oneof(
        fc.oneof(value, almost).map((json) => Buffer.from(JSON.stringify(json))),
        noise,
      ),
      check(bytes) {
        orRefused(() => parseManifest(bytes, 'manifest'));
        const id = digestOf(bytes);
        const image = orRefused(() => makeImage(id, bytes, knownLayer));
        if (!image) return;
        assert.deepEqual(recallImage(id, noteImage(image), knownLayer), image, 'the note says what the config says');
        const platform = { os: 'linux', architecture: 'amd64' };
        const child = draftConfig({ config: {}, created: 1n, platform, layer: digestOf('new') }, bytes);
        const { diffIds } = makeImage(digestOf(child), child, knownLayer);
        assert.deepEqual(diffIds, [...image.diffIds, digestOf('new')], 'a child has all layers of its parent');
      },
      files: oneFile,
      close: async () => {},
    };
  },
});

const knownLayer = (diffId: Digest) => ({ diffId, contentSize: 1 });

function orRefused<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (!isEngineError(error, 'invalid')) throw error;
    return undefined;
  }
}
