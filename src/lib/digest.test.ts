import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chainIds, type Digest, digestOf, isDigest, parseDigest, shortId } from './digest.ts';

test('the digest of nothing is the well-known one', () => {
  assert.equal(digestOf(''), 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
});

test('only sha256 and 64 lower-case digits are a digest', () => {
  assert.ok(isDigest(digestOf('x')));
  for (const text of ['', 'sha256:', digestOf('x').toUpperCase(), `${digestOf('x')}0`, 'sha512:00', 7, null]) {
    assert.ok(!isDigest(text), String(text));
  }
  assert.throws(
    () => parseDigest('../../etc/passwd', 'layer 3'),
    /layer 3: '..\/..\/etc\/passwd' is not a sha256 digest/,
  );
});

test('a chain of one layer is the layer, each further one hashes the chain below and itself', () => {
  const [a, b, c] = [digestOf('a'), digestOf('b'), digestOf('c')] as [Digest, Digest, Digest];
  assert.deepEqual(chainIds([a, b, c]), [a, digestOf(`${a} ${b}`), digestOf(`${digestOf(`${a} ${b}`)} ${c}`)]);
  assert.deepEqual(chainIds([]), []);
});

test('short ids are 12 digits with or without the algorithm', () => {
  assert.equal(shortId(digestOf('')), 'e3b0c44298fc');
  assert.equal(shortId('0123456789abcdef'), '0123456789ab');
});
