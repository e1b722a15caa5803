import { notFound } from '#errors/errors.ts';
import { parseFilters } from '#lib/filters.ts';
import type { Call } from '../call.ts';
import { booleanValue, textValue } from '../form.ts';
import { json, type Reply } from '../reply.ts';
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
