import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Digest, digestOf } from '#lib/digest.ts';
import { makeImage, noteImage, recallImage } from './image.ts';

const layerOf = (diffId: Digest) => ({ diffId, contentSize: 7 });

test('an image that was noted is the same again, integers with all their digits', () => {
  const texts = [
    `{"architecture":"arm","variant":"v7","os":"linux","os.version":"1","created":"2024-01-02T03:04:05.123456789Z",
      "author":"a","config":{"Healthcheck":{"Interval":9223372036854771712},"Labels":{"__proto__":"x"}},
      "rootfs":{"diff_ids":["${digestOf('a')}"]},"history":[{"comment":"the last"}]}`,
    '{"rootfs":{}}',
  ];
  for (const text of texts) {
    const image = makeImage(digestOf(text), Buffer.from(text), layerOf);
    assert.deepEqual(recallImage(image.id, noteImage(image), layerOf), image);
  }
});
