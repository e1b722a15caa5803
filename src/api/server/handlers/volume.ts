import { notFound } from '#errors/errors.ts';
import { parseFilters } from '#lib/filters.ts';
import { volumeCreateRequest } from '../bodies/volume.ts';
import { readJson } from '../body.ts';
import type { Call } from '../call.ts';
import { decode } from '../decode.ts';
import { booleanValue } from '../form.ts';
import { empty, json, type Reply } from '../reply.ts';
import { absent } from './absent.ts';

export async function list(call: Call): Promise<Reply> {
  const { volumes } = call.backend;
  if (!volumes) return absent(call);
  return json(await volumes.list({ filters: parseFilters(call.query.get('filters')) }));
}

/** As for networks: not having any volumes is 404. */
export async function inspect(call: Call): Promise<Reply> {
  const { volumes } = call.backend;
  if (!volumes) throw notFound(`get ${call.name}: no such volume`);
  return json(await volumes.inspect(call.name));
}

export async function create(call: Call): Promise<Reply> {
  const { volumes } = call.backend;
  if (!volumes) return absent(call);
  const request = decode(volumeCreateRequest, await readJson(call), 'VolumeCreateRequest');
  return json(await volumes.create(request), 201);
}

export async function remove(call: Call): Promise<Reply> {
  const { volumes } = call.backend;
  if (!volumes) throw notFound(`get ${call.name}: no such volume`);
  await volumes.remove(call.name, { force: booleanValue(call.query, 'force') });
  return empty();
}

/** Before 1.42 volumes with a name were pruned, too. */
export async function prune(call: Call): Promise<Reply> {
  const { volumes } = call.backend;
  if (!volumes) return absent(call);
  const filters = parseFilters(call.query.get('filters'));
  return json(await volumes.prune({ filters: call.version < 42 ? new Map([...filters, ['all', ['true']]]) : filters }));
}
