import { invalid } from '#errors/errors.ts';
import { type Filters, parseFilters } from '#lib/filters.ts';
import { NEWEST_API } from '../api-version.ts';
import type { StopOptions } from '../backend.ts';
import { createBody } from '../bodies/create.ts';
import { hostConfig } from '../bodies/host-config.ts';
import { readJson } from '../body.ts';
import type { Call } from '../call.ts';
import { decode } from '../decode.ts';
import { booleanValue, integerValue, textValue } from '../form.ts';
import { parsePlatform } from '../platform.ts';
import { empty, json, type Reply } from '../reply.ts';
import { terminalSize } from '../terminal-size.ts';
import { downgradeInspect, downgradeSummary } from '../versions/container.ts';
import { upgradeCreate, upgradeHostConfig, withOldLimits } from '../versions/create.ts';

export async function list(call: Call): Promise<Reply> {
  const containers = await call.backend.containers.list({
    all: booleanValue(call.query, 'all'),
    limit: Math.max(0, integerValue(call.query, 'limit') ?? 0),
    size: booleanValue(call.query, 'size'),
    filters: listFilters(call.query),
  });
  if (call.version >= NEWEST_API) return json(containers);
  return json(containers.map((container) => downgradeSummary(container, call.version)));
}

/** `since` and `before` were parameters before they were filters. */
function listFilters(query: URLSearchParams): Filters {
  const filters = new Map(parseFilters(query.get('filters')));
  for (const name of ['since', 'before']) {
    const container = textValue(query, name);
    if (container) filters.set(name, [container]);
  }
  return filters;
}

export async function inspect(call: Call): Promise<Reply> {
  const container = await call.backend.containers.inspect(call.name, { size: booleanValue(call.query, 'size') });
  return json(call.version < NEWEST_API ? downgradeInspect(container, call.version) : container);
}

export async function create(call: Call): Promise<Reply> {
  const body = await readJson(call);
  if (isEmptyObject(body)) throw invalid('config cannot be empty in order to create a container');
  const { config, hostConfig, networkingConfig, oldLimits } = createBody(body);
  const request = {
    name: textValue(call.query, 'name')?.replace(/^\//, ''),
    platform: parsePlatform(textValue(call.query, 'platform')),
    config,
    hostConfig: withOldLimits(hostConfig, oldLimits),
    networkingConfig,
  };
  const created = await call.backend.containers.create(upgradeCreate(request, call.version));
  return json(created, 201);
}

function isEmptyObject(body: unknown): boolean {
  return body === undefined || body === null || (typeof body === 'object' && Object.keys(body).length === 0);
}

/** A host config in the body was how the first clients gave it; from 1.24 on it is refused. */
export async function start(call: Call): Promise<Reply> {
  const detachKeys = textValue(call.query, 'detachKeys');
  await call.backend.containers.start(call.name, { detachKeys, hostConfig: await startBody(call) });
  return empty();
}

/** Bytes; a JSON object with anything in it has at least so many. Clients sent `{}` and `null` for nothing. */
const SHORTEST_OBJECT = 7;

async function startBody(call: Call) {
  if (!call.request.hasBody || (await call.body()).length < SHORTEST_OBJECT) return undefined;
  if (call.version >= 24) {
    throw invalid('starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24');
  }
  return upgradeHostConfig(decode(hostConfig, await readJson(call), 'HostConfig'), call.version);
}

export async function stop(call: Call): Promise<Reply> {
  await call.backend.containers.stop(call.name, stopOptions(call));
  return empty();
}

export async function restart(call: Call): Promise<Reply> {
  await call.backend.containers.restart(call.name, stopOptions(call));
  return empty();
}

function stopOptions(call: Call): StopOptions {
  const signal = call.version >= 42 ? textValue(call.query, 'signal') : undefined;
  return { timeout: integerValue(call.query, 't'), signal };
}

export async function kill(call: Call): Promise<Reply> {
  await call.backend.containers.kill(call.name, { signal: call.query.get('signal') ?? '' });
  return empty();
}

export async function remove(call: Call): Promise<Reply> {
  await call.backend.containers.remove(call.name, {
    volumes: booleanValue(call.query, 'v'),
    force: booleanValue(call.query, 'force'),
    link: booleanValue(call.query, 'link'),
  });
  return empty();
}

export async function resize(call: Call): Promise<Reply> {
  await call.backend.containers.resize(call.name, terminalSize(call));
  return empty(200);
}
