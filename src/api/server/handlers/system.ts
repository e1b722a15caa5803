import type { CheckAux } from '#api/types/check.ts';
import type { DiskUsageType } from '#api/types/disk-usage.ts';
import { invalid } from '#errors/errors.ts';
import { parseFilters } from '#lib/filters.ts';
import { NEWEST_API } from '../api-version.ts';
import type { Backend } from '../backend.ts';
import type { Call } from '../call.ts';
import { booleanValue, timeValue } from '../form.ts';
import { empty, json, jsonLines, progress, type Reply, text } from '../reply.ts';
import { downgradeDiskUsage } from '../versions/disk-usage.ts';
import { withFirstFields } from '../versions/event.ts';
import { downgradeInfo } from '../versions/system.ts';

/** What a client needs to know before it says anything else; builder 1 is the classic one, driven by the engine. */
const PING_HEADERS = {
  'Builder-Version': '1',
  'Cache-Control': 'no-cache, no-store, must-revalidate',
  Pragma: 'no-cache',
  Swarm: 'inactive',
};

export function ping(): Reply {
  return text('OK', PING_HEADERS);
}

export function pingHead(): Reply {
  return empty(200, { ...PING_HEADERS, 'Content-Type': 'text/plain; charset=utf-8' });
}

export async function version({ backend }: Call): Promise<Reply> {
  return json(await backend.system.version());
}

export async function info(call: Call): Promise<Reply> {
  const value = await call.backend.system.info();
  return json(call.version < NEWEST_API ? downgradeInfo(value, call.version) : value);
}

export async function diskUsage(call: Call): Promise<Reply> {
  const usage = await call.backend.system.diskUsage(usageTypes(call));
  return json(downgradeDiskUsage(usage, call.version));
}

const USAGE_TYPES: ReadonlySet<string> = new Set<DiskUsageType>(['container', 'image', 'volume', 'build-cache']);

/** All of them when none is named, and before 1.42. */
function usageTypes({ query, version }: Call): ReadonlySet<DiskUsageType> {
  const asked = version < 42 ? [] : query.getAll('type');
  for (const type of asked) if (!USAGE_TYPES.has(type)) throw invalid(`unknown object type: ${type}`);
  return (asked.length > 0 ? new Set(asked) : USAGE_TYPES) as ReadonlySet<DiskUsageType>;
}

export function events(call: Call): Reply {
  const query = {
    since: timeValue(call.query, 'since'),
    until: timeValue(call.query, 'until'),
    filters: parseFilters(call.query.get('filters')),
  };
  return jsonLines(wireEvents(call.backend, query, call.signal));
}

async function* wireEvents(
  backend: Backend,
  query: Parameters<Backend['system']['events']>[0],
  signal: AbortSignal,
): AsyncIterable<unknown> {
  for await (const event of backend.system.events(query, signal)) yield withFirstFields(event);
}

/** Wherry's own: problems and the summary are the `aux` of its messages (`CheckAux`). */
export function check({ backend, query, signal }: Call): Reply {
  const repair = booleanValue(query, 'repair');
  return progress(async (emit) => {
    const say = (aux: CheckAux) => emit({ aux });
    const summary = await backend.system.check(
      { repair },
      {
        problem: (problem) => say({ problem }),
        progress: (current, total) => emit({ id: 'layers', status: 'Verifying', progressDetail: { current, total } }),
      },
      signal,
    );
    say({ summary });
  });
}
