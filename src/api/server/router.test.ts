import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/support/property.ts';
import { createRouter, type Route } from './router.ts';
import { routes } from './routes.ts';

const route = createRouter(routes);
const found = (method: string, path: string) => {
  const match = route(method, path);
  return match && [match.route.path, match.name];
};

test('names may hold slashes, the longest tail wins, literal paths come first', () => {
  assert.deepEqual(found('GET', '/images/json'), ['/images/json', '']);
  assert.deepEqual(found('GET', '/images/json/json'), ['/images/{name}/json', 'json']);
  assert.deepEqual(found('GET', '/images/localhost:5000/a/b/json'), ['/images/{name}/json', 'localhost:5000/a/b']);
  assert.deepEqual(found('DELETE', '/images/library/busybox'), ['/images/{name}', 'library/busybox']);
  assert.deepEqual(found('GET', '/containers/a/attach/ws'), ['/containers/{name}/attach/ws', 'a']);
  assert.deepEqual(found('POST', '/containers/attach/attach'), ['/containers/{name}/attach', 'attach']);
  assert.deepEqual(found('DELETE', '/containers/json'), ['/containers/{name}', 'json']);
});

test('a name is never empty, and methods are told apart', () => {
  for (const path of ['/images//json', '/images/', '/containers//attach/ws', '', '/', '//', 'x', '/images'])
    assert.equal(found('GET', path), undefined, path);
  assert.equal(found('PATCH', '/images/json'), undefined);
  assert.equal(found('GET', '/containers/x/start'), undefined);
});

test('any path is found or not, never an error', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('GET', 'POST', 'DELETE'),
      fc.array(fc.constantFrom('', 'images', 'json', 'x', '*')),
      (m, parts) => {
        const match = route(m, `/${parts.join('/')}`);
        if (match?.route.path.includes('{')) assert.notEqual(match.name, '');
      },
    ),
  );
});

test('a table with the same route twice is refused', () => {
  assert.throws(() => createRouter([...routes, routes[0] as Route]), /twice/);
});
