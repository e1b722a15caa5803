/** Calls that lead to a registry. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestRegistry } from '#test/support/registry.ts';
import type { ApiCall } from './call.ts';

export interface RegistryContext {
  call: ApiCall;
  /** One with `users`, who are `{ anna: 'secret' }`. */
  registry: TestRegistry;
}

export function registryCases(minor: number, context: () => RegistryContext): void {
  test('an image pushed, pulled, looked at and searched for at a registry', async () => {
    const { call, registry } = context();
    const auth = { username: 'anna', password: 'secret', serveraddress: registry.host };
    const headers = { 'X-Registry-Auth': Buffer.from(JSON.stringify(auth)).toString('base64url') };
    await call('POST /auth', 200, { body: auth });
    await call('POST /auth', 401, { body: { ...auth, password: 'wrong' } });
    await call('POST /auth', 400, { body: { username: 3 } });
    const name = `${registry.host}/conformance-${minor}`;
    const path = { name };
    const tag = { repo: name, tag: 'v1' };
    await call('POST /images/{name}/tag', 201, { path: { name: 'busybox' }, query: tag });
    const pushed = await call('POST /images/{name}/push', 200, { path, query: { tag: 'v1' }, headers });
    assert.ok(JSON.stringify(pushed).includes('"Tag":"v1"'), JSON.stringify(pushed));
    await call('POST /images/{name}/push', 400, { path: { name: 'A' } });
    await call('DELETE /images/{name}', 200, { path: { name: `${name}:v1` } });
    await call('POST /images/create', 200, { query: { fromImage: name, tag: 'v1' }, headers });
    await call('DELETE /images/{name}', 200, { path: { name: `${name}:v1` } });
    const all = { 'X-Registry-Config': Buffer.from(JSON.stringify({ [registry.host]: auth })).toString('base64url') };
    await call('POST /images/create', 200, { query: { fromImage: name, tag: 'v1' }, headers: all });
    await call('DELETE /images/{name}', 200, { path: { name: `${name}:v1` } });
    await call('GET /distribution/{name}/json', 200, { path: { name: `${name}:v1` }, headers: all });
    await call('GET /distribution/{name}/json', 200, { path: { name: `${name}:v1` }, headers });
    await call('GET /distribution/{name}/json', 404, { path: { name: `${name}:nope` }, headers });
    await call('GET /distribution/{name}/json', 401, { path: { name: `${name}:v1` } });
    const query = { term: name, limit: '3', filters: '{"stars":["0"]}' };
    const found = (await call('GET /images/search', 200, { query, headers })) as { name: string }[];
    assert.deepEqual(
      found.map((result) => result.name),
      [name],
    );
    await call('GET /images/search', 400, { query: { ...query, limit: '101' } });
  });
}
