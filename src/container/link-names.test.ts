import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namesByLinks, renamedLinks } from './link-names.ts';

test('a container that is renamed stays linked, on either side', () => {
  const links = ['/db:/web/db', '/cache:/web/store'];
  assert.deepEqual(renamedLinks(links, 'db', 'base'), ['/base:/web/db', '/cache:/web/store']);
  assert.deepEqual(renamedLinks(links, 'web', 'front'), ['/db:/front/db', '/cache:/front/store']);
  for (const other of ['store', 'd', 'other']) assert.equal(renamedLinks(links, other, 'x'), undefined);
  assert.equal(renamedLinks(null, 'db', 'x'), undefined);
  assert.equal(renamedLinks(['db:alias'], 'db', 'x'), undefined, 'of a network of its own');
});

test('what links call a container', () => {
  const names = namesByLinks([null, ['/db:/web/db', '/cache:/web/store'], ['/db:/job/base', 'db:alias']]);
  assert.deepEqual(Object.fromEntries(names), { db: ['/web/db', '/job/base'], cache: ['/web/store'] });
});
