import { parseFilters } from '#lib/filters.ts';
import { updateBody } from '../bodies/update.ts';
import { readJson } from '../body.ts';
import type { Call } from '../call.ts';
import { empty, json, type Reply } from '../reply.ts';
import { upgradeUpdate } from '../versions/create.ts';

/** What is done to a container that stays, and to those that go. */

export async function pause(call: Call): Promise<Reply> {
  await call.backend.containers.pause(call.name);
  return empty();
}

export async function unpause(call: Call): Promise<Reply> {
  await call.backend.containers.unpause(call.name);
  return empty();
}

export async function rename(call: Call): Promise<Reply> {
  await call.backend.containers.rename(call.name, call.query.get('name') ?? '');
  return empty();
}

export async function update(call: Call): Promise<Reply> {
  const request = upgradeUpdate(updateBody(await readJson(call)), call.version);
  return json(await call.backend.containers.update(call.name, request));
}

export async function prune({ backend, query }: Call): Promise<Reply> {
  return json(await backend.containers.prune(parseFilters(query.get('filters'))));
}

/** `-ef` unless the client names other arguments for ps. */
export async function top({ backend, name, query }: Call): Promise<Reply> {
  return json(await backend.containers.top(name, query.get('ps_args') || '-ef'));
}
