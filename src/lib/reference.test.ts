import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isEngineError } from '#errors/errors.ts';
import fc from '#test/support/property.ts';
import {
  familiarName,
  familiarReference,
  formatReference,
  parseReference,
  withDefaultTag,
  withTag,
} from './reference.ts';

const digest = `sha256:${'a'.repeat(64)}`;

/** What people write -> the full form, with the default tag. */
const forms: [string, string][] = [
  ['busybox', 'docker.io/library/busybox:latest'],
  ['busybox:1.36', 'docker.io/library/busybox:1.36'],
  ['user/app', 'docker.io/user/app:latest'],
  ['docker.io/busybox', 'docker.io/library/busybox:latest'],
  ['index.docker.io/library/busybox', 'docker.io/library/busybox:latest'],
  ['localhost/app', 'localhost/app:latest'],
  ['localhost:5000/app:v1', 'localhost:5000/app:v1'],
  ['registry.example.com/a/b/c', 'registry.example.com/a/b/c:latest'],
  ['[fe80::1]:5000/app', '[fe80::1]:5000/app:latest'],
  ['Uppercase/app', 'Uppercase/app:latest'],
  ['a__b/c.d-e--f', 'docker.io/a__b/c.d-e--f:latest'],
  [`busybox@${digest}`, `docker.io/library/busybox@${digest}`],
  [`host:1/x:tag@${digest}`, `host:1/x:tag@${digest}`],
];

for (const [text, full] of forms) {
  test(`'${text}' is ${full}`, () => assert.equal(formatReference(withDefaultTag(parseReference(text))), full));
}

const refused: [string, RegExp][] = [
  ['', /invalid reference format/],
  ['a'.repeat(64), /cannot specify 64-byte hexadecimal strings/],
  ['Busybox', /repository name \(library\/Busybox\) must be lowercase/],
  ['busybox:', /invalid reference format/],
  ['busybox:-x', /invalid reference format/],
  [`busybox:${'x'.repeat(129)}`, /invalid reference format/],
  ['busy box', /invalid reference format/],
  ['a//b', /invalid reference format/],
  ['-a', /invalid reference format/],
  ['a_', /invalid reference format/],
  ['a...b', /invalid reference format/],
  ['../etc', /invalid reference format/],
  ['host:port/app', /invalid reference format/],
  [`x@sha256:abc`, /invalid reference format/],
  [`x@sha256:${'a'.repeat(63)}`, /invalid checksum digest length/],
  [`x@md5:${'a'.repeat(32)}`, /unsupported digest algorithm/],
  [`x/${'y'.repeat(255)}`, /must not be more than 255 characters/],
];

for (const [text, message] of refused) {
  test(`'${text.slice(0, 40)}' is refused: ${message.source}`, () => {
    assert.throws(
      () => parseReference(text),
      (error) => isEngineError(error, 'invalid') && message.test(error.message),
    );
  });
}

test('familiar forms leave out what is the default', () => {
  assert.equal(familiarReference(parseReference('docker.io/library/busybox:1')), 'busybox:1');
  assert.equal(familiarName(parseReference('docker.io/user/app:1')), 'user/app');
  assert.equal(familiarName(parseReference('docker.io/library/a/b')), 'library/a/b');
  assert.equal(familiarName(parseReference('docker.io/localhost/x')), 'docker.io/localhost/x');
  assert.equal(familiarReference(parseReference(`localhost:5000/app@${digest}`)), `localhost:5000/app@${digest}`);
});

test('withTag replaces tag and digest, and refuses a malformed tag', () => {
  assert.equal(formatReference(withTag(parseReference(`x:1@${digest}`), '2')), 'docker.io/library/x:2');
  assert.throws(() => withTag(parseReference('x'), 'a b'), /invalid tag format/);
});

test('any text is either refused as invalid or survives the way to its full and familiar forms and back', () => {
  const piece = fc.constantFrom(
    'a',
    'B',
    '0',
    '.',
    '-',
    '_',
    '/',
    ':',
    '@',
    'localhost',
    'docker.io',
    'library',
    digest,
    ' ',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece).map((parts) => parts.join('')),
      ),
      (text) => {
        try {
          const reference = parseReference(text);
          assert.deepEqual(parseReference(formatReference(reference)), reference);
          assert.deepEqual(parseReference(familiarReference(reference)), reference);
        } catch (error) {
          if (!isEngineError(error, 'invalid')) throw error;
        }
      },
    ),
    { numRuns: 2000 },
  );
});
