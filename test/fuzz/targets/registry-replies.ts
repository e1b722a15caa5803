import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { isEngineError } from '#errors/errors.ts';
import { findRemoteImage, listRemoteTags, type RemoteRepository } from '#graph/pull/remote-image.ts';
import { MEDIA_TYPES } from '#image/manifest.ts';
import { type Digest, digestOf } from '#lib/digest.ts';
import { type RegistryReply, resolveLocation } from '#registry/exchange.ts';
import { replyError } from '#registry/reply-error.ts';
import type { Session, SessionRequest } from '#registry/session.ts';
import { fuzzTarget, oneFile } from '../target.ts';

/** What a registry says: the same reply for everything that has no other. */
interface Said {
  /** Fields of index, manifest and config that are something else. */
  index: Record<string, unknown>;
  manifest: Record<string, unknown>;
  config: Record<string, unknown>;
  /** The tag leads to an index. */
  isIndex: boolean;
  status: number;
  headers: Record<string, string>;
  /** Instead of one of the documents; -1 = of none. */
  noise: string;
  noisy: number;
}

const PLATFORM = { os: 'linux', architecture: 'amd64' };
const leaf = fc.constantFrom<unknown>(null, 0, -1, 1e20, 1.5, '', 'x', true, digestOf('a'), [], {}, [{}], [null]);
const fields = (...names: string[]) =>
  fc.dictionary(
    fc.constantFrom(...names),
    fc.oneof(
      leaf,
      fc.dictionary(fc.constantFrom('digest', 'size', 'mediaType', 'platform', 'os'), leaf, { maxKeys: 3 }),
    ),
    { maxKeys: 2 },
  );
const header = fc.oneof(
  fc.constantFrom(
    '',
    '0',
    '-1',
    'bytes 0-1/2',
    '<>; rel="next"',
    '</v2/x?n=1>; rel=next',
    '<:>;rel="next"',
    digestOf('z'),
  ),
  fc.constantFrom(
    ...Object.values(MEDIA_TYPES),
    'application/vnd.docker.distribution.manifest.v1+prettyjws',
    'text/html',
  ),
  fc.string({ unit: 'binary-ascii' }),
);

const said: fc.Arbitrary<Said> = fc.record({
  index: fields('schemaVersion', 'mediaType', 'manifests', 'layers'),
  manifest: fields('schemaVersion', 'mediaType', 'config', 'layers', 'manifests'),
  config: fields('os', 'architecture', 'rootfs', 'history', 'config', 'created'),
  isIndex: fc.boolean(),
  status: fc.constantFrom(200, 200, 200, 206, 301, 401, 403, 404, 429, 500, 999),
  headers: fc.dictionary(
    fc.constantFrom(
      'content-type',
      'docker-content-digest',
      'link',
      'www-authenticate',
      'retry-after',
      'ratelimit-limit',
    ),
    header,
    { maxKeys: 3 },
  ),
  noise: fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc.constantFrom('', '{"errors":[{"code":1}]}', '{"tags":{}}'),
  ),
  noisy: fc.integer({ min: -2, max: 2 }),
});

/** What registries reply to a pull: an image whose parts fit each other comes of it, or a refusal that says why. */
export const registryReplies = fuzzTarget<Buffer>({
  name: 'registry-replies',
  quick: 2000,
  async open() {
    return {
      input: said.map((one) => Buffer.from(JSON.stringify(one))),
      async check(bytes) {
        const what = JSON.parse(bytes.toString('utf8')) as Said;
        const from: RemoteRepository = {
          session: sessionOf(what),
          repository: 'x',
          signal: new AbortController().signal,
        };
        const known = async () => undefined;
        const image = await orRefused(findRemoteImage({ ...from, target: 'latest', platform: PLATFORM, known }));
        if (image) {
          assert.equal(digestOf(image.config), image.manifest.config.digest);
          assert.equal(image.parsed.diffIds.length, image.manifest.layers.length);
          for (const manifest of image.manifests) assert.equal(digestOf(manifest.bytes), manifest.digest);
        }
        await orRefused(listRemoteTags(from.session, 'x', from.signal));
        const error = await replyError(reply(what, Buffer.from(what.noise)));
        assert.ok(isEngineError(error) && error.message.length < 4000);
      },
      files: oneFile,
      close: async () => {},
    };
  },
});

async function orRefused<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (!isEngineError(error)) throw error;
    return undefined;
  }
}

/** A registry with one image, of which something is not as it should be. */
function sessionOf(what: Said): Session {
  const encode = (document: object, at: number) =>
    Buffer.from(what.noisy === at ? what.noise : JSON.stringify(document));
  const rootfs = { type: 'layers', diff_ids: [digestOf('layer')] };
  const config = encode({ ...PLATFORM, rootfs, config: {}, ...what.config }, 0);
  const manifest = encode(
    {
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      config: describe(config, MEDIA_TYPES.ociConfig),
      layers: [describe(Buffer.from('layer'), 'application/vnd.oci.image.layer.v1.tar')],
      ...what.manifest,
    },
    1,
  );
  const manifests = [{ ...describe(manifest, MEDIA_TYPES.ociManifest), platform: PLATFORM }];
  const index = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests, ...what.index }, 2);
  const stored = new Map([config, manifest, index].map((bytes) => [digestOf(bytes) as string, bytes]));
  let asked = 0;
  const request = async ({ url }: SessionRequest) => {
    if (++asked > 12) throw new Error('it is asked for ever');
    const name = String(url).split('/').at(-1)!;
    return reply(what, stored.get(name) ?? (what.isIndex ? index : manifest));
  };
  return { request, resolve: resolveLocation } as Partial<Session> as Session;
}

function describe(bytes: Buffer, mediaType: string): { mediaType: string; digest: Digest; size: number } {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

function reply({ status, headers }: Said, bytes: Buffer): RegistryReply {
  const url = new URL('http://registry/v2/x');
  const body = Readable.from([bytes]) as RegistryReply['body'];
  return { status, headers, url, title: `Get "${url}"`, body, bytes: async () => bytes, discard: () => {} };
}
