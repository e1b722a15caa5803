import { notFound } from '#errors/errors.ts';
import { parseFilters } from '#lib/filters.ts';
import { networkConnectRequest, networkCreateRequest, networkDisconnectRequest } from '../bodies/network.ts';
import { readJson } from '../body.ts';
import type { Call } from '../call.ts';
import { decode } from '../decode.ts';
import { booleanValue, textValue } from '../form.ts';
import { empty, json, type Reply } from '../reply.ts';
import { absent } from './absent.ts';

export async function list(call: Call): Promise<Reply> {
  const { networks } = call.backend;
  if (!networks) return absent(call);
  return json(await networks.list({ filters: parseFilters(call.query.get('filters')) }));
}

/** A client that asks for "whatever is called x" asks every kind in turn, so not having any is 404. */
export async function inspect(call: Call): Promise<Reply> {
  const { networks } = call.backend;
  if (!networks) throw notFound(`network ${call.name} not found`);
  const query = { verbose: booleanValue(call.query, 'verbose'), scope: textValue(call.query, 'scope') };
  return json(await networks.inspect(call.name, query));
}

export async function create(call: Call): Promise<Reply> {
  const { networks } = call.backend;
  if (!networks) return absent(call);
  const request = decode(networkCreateRequest, await readJson(call), 'NetworkCreateRequest');
  return json(await networks.create(request), 201);
}

export async function connect(call: Call): Promise<Reply> {
  const { networks } = call.backend;
  if (!networks) return absent(call);
  await networks.connect(call.name, decode(networkConnectRequest, await readJson(call), 'NetworkConnect'));
  return empty(200);
}

export async function disconnect(call: Call): Promise<Reply> {
  const { networks } = call.backend;
  if (!networks) return absent(call);
  await networks.disconnect(call.name, decode(networkDisconnectRequest, await readJson(call), 'NetworkDisconnect'));
  return empty(200);
}

export async function remove(call: Call): Promise<Reply> {
  const { networks } = call.backend;
  if (!networks) throw notFound(`network ${call.name} not found`);
  await networks.remove(call.name);
  return empty();
}

export async function prune(call: Call): Promise<Reply> {
  const { networks } = call.backend;
  if (!networks) return absent(call);
  return json(await networks.prune({ filters: parseFilters(call.query.get('filters')) }));
}
