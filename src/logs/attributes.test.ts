import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attributesText, checkAttributes, logAttributes } from './attributes.ts';

const CONTAINER = {
  id: 'ab'.repeat(32),
  name: 'web',
  image: 'nginx:1',
  imageId: `sha256:${'cd'.repeat(32)}`,
  labels: { 'com.a': '1', 'com.b': '2', other: 'x' },
  env: ['PATH=/bin', 'MODE=a=b', 'EMPTY='],
  command: ['nginx', '-g'],
};

test('labels and variables are chosen by name and by pattern', () => {
  assert.equal(logAttributes(CONTAINER, {}), undefined);
  assert.equal(logAttributes(CONTAINER, { labels: 'absent', env: '' }), undefined);
  assert.deepEqual(logAttributes(CONTAINER, { labels: 'other,com.a', env: 'MODE,EMPTY' }), {
    EMPTY: '',
    MODE: 'a=b',
    'com.a': '1',
    other: 'x',
  });
  assert.deepEqual(logAttributes(CONTAINER, { 'labels-regex': '^com\\.', 'env-regex': 'PA' }), {
    PATH: '/bin',
    'com.a': '1',
    'com.b': '2',
  });
});

test('a tag is made of the container’s fields', () => {
  const tag = '{{.Name}}/{{ .ID }}/{{.ImageName}}/{{.ImageID}}/{{.Command}}/{{.DaemonName}}';
  assert.deepEqual(logAttributes(CONTAINER, { tag }), {
    tag: 'web/abababababab/nginx:1/cdcdcdcdcdcd/nginx -g/docker',
  });
});

test('what cannot be chosen is refused', () => {
  checkAttributes({ tag: 'plain {{.Name}}', 'env-regex': '^A' });
  assert.throws(() => checkAttributes({ 'labels-regex': '(' }), /error parsing regexp in log options: \(/);
  assert.throws(
    () => checkAttributes({ tag: '{{.Secret}}' }),
    /invalid log tag "\{\{.Secret\}\}": there is no field Secret/,
  );
  assert.throws(() => checkAttributes({ tag: '{{range .}}' }), /only fields can be expanded/);
  assert.throws(() => checkAttributes({ tag: '{{.constructor}}' }), /there is no field constructor/);
});

test('details are encoded as dockerd encodes them', () => {
  assert.equal(attributesText(undefined), '');
  assert.equal(attributesText({ b: 'x y', a: '(1,2)=ü~' }), 'a=%281%2C2%29%3D%C3%BC~,b=x+y');
});
