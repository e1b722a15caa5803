import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routes } from './routes.ts';
import { routesPage, unimplemented } from './routes-doc.ts';

test('the page has a line for every route, and says which are missing', () => {
  const lines = routesPage(routes).trim().split('\n').slice(2);
  assert.equal(lines.length, routes.length);
  assert.ok(lines.includes('| GET | `/containers/json` | json | read |  |  |'));
  assert.ok(lines.includes('| POST | `/session` | hijack | admin | 1.31 | not yet |'));
  assert.equal(lines.filter((line) => line.endsWith('| not yet |')).length, unimplemented(routes).length);
});
