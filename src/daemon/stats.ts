import type { StatsResponse } from '#api/types/stats.ts';
import type { Container } from '#container/container.ts';
import { findContainer } from '#container/store.ts';
import { describe, invalid } from '#errors/errors.ts';
import { ZERO_TIME } from '#lib/time.ts';
import { linkTo } from '#network/sandbox.ts';
import { OpenFiles, type ReadText } from '#stats/open-files.ts';
import { emptySample, noCpuStats, type Sample, takeSample } from '#stats/sample.ts';
import type { Subject } from '#stats/sampler.ts';
import type { Engine } from './engine.ts';
import { cgroupPath } from './launch/launch-spec.ts';

/**
 * `GET /containers/{id}/stats`: `stream` = until the container is removed, else a single value, which has seen the one a
 * second before unless it is `oneShot`, or none when the container is removed meanwhile. Throws `invalid` for both.
 */
export async function containerStats(
  engine: Engine,
  id: string,
  { stream, oneShot }: { stream: boolean; oneShot: boolean },
  signal: AbortSignal,
): Promise<AsyncIterable<StatsResponse>> {
  const container = engine.containers.get(id);
  if (stream && oneShot) throw invalid('cannot have stream=true and one-shot=true');
  if (stream) return statsStream(engine, container, signal);
  if (oneShot || !container.running) return statsNow(engine, container);
  return secondOf(statsStream(engine, container, signal));
}

async function* statsStream(engine: Engine, container: Container, signal: AbortSignal): AsyncGenerator<StatsResponse> {
  let before: Pick<Sample, 'read' | 'cpu_stats'> = { read: ZERO_TIME, cpu_stats: noCpuStats() };
  for await (const sample of engine.stats.read(subjectOf(engine, container), signal)) {
    yield response(container, sample, before);
    before = sample;
  }
}

async function* secondOf(stream: AsyncGenerator<StatsResponse>): AsyncGenerator<StatsResponse> {
  let count = 0;
  for await (const stats of stream) if (++count === 2) return yield stats;
}

async function* statsNow(engine: Engine, container: Container): AsyncGenerator<StatsResponse> {
  const files = new OpenFiles();
  try {
    const sample = (await sampleOf(engine, container, files.read)) ?? emptySample();
    yield response(container, sample, { read: ZERO_TIME, cpu_stats: noCpuStats() });
  } finally {
    files.close();
  }
}

function subjectOf(engine: Engine, container: Container): Subject {
  return {
    id: container.id,
    sample: (read) => sampleOf(engine, container, read),
    gone: (signal) => container.waitForRemoval(signal),
    failed: (error) =>
      engine.log.warn('the use of a container could not be read', { container: container.id, error: describe(error) }),
  };
}

/** Undefined unless it runs. */
async function sampleOf(engine: Engine, container: Container, read: ReadText): Promise<Sample | undefined> {
  if (!container.running) return undefined;
  const measured = {
    cgroup: cgroupPath(engine, container),
    pid: container.state.pid,
    interfaces: interfacesOf(engine, container),
  };
  const sample = await takeSample(engine.cgroups, measured, read);
  return container.running ? sample : undefined;
}

/** Those that the engine has made in the container's namespace, or in the one that it shares with another container. */
function interfacesOf(engine: Engine, { record }: Container): string[] {
  const owner = /^container:(.+)$/.exec(record.hostConfig.NetworkMode)?.[1];
  const sandbox = owner === undefined ? record.sandbox : findContainer(engine.containers, owner)?.record.sandbox;
  if (!sandbox?.netnsPath || record.config.NetworkDisabled) return [];
  const plugged = Object.entries(sandbox.networks).filter(([, { IPAddress }]) => IPAddress !== '');
  return plugged.map(([network]) => linkTo(sandbox, network));
}

function response(
  { id, name }: Container,
  { read, ...sample }: Sample,
  before: Pick<Sample, 'read' | 'cpu_stats'>,
): StatsResponse {
  return { name: `/${name}`, id, read, preread: before.read, ...sample, precpu_stats: before.cpu_stats };
}
