import type { Container } from '#container/container.ts';
import { invalid } from '#errors/errors.ts';
import { oomFiles } from '#linux/cgroup-paths.ts';
import type { LogOptions, MonitorOptions } from '#runtime/monitor-arguments.ts';
import type { Engine } from './engine.ts';
import { cgroupPath } from './launch-spec.ts';

const LOCAL_MAX_SIZE = 20 * 1024 * 1024;
const LOCAL_MAX_FILES = 5;
const NON_BLOCKING_BUFFER = 1024 * 1024;

/** How the monitor of this container is to run it. */
export function monitorOptions(engine: Engine, container: Container): MonitorOptions {
  const { id, record } = container;
  const paths = engine.paths.container(id);
  const runtime = record.hostConfig.Runtime || engine.runtimes.default;
  const runtimePath = engine.runtimes.paths.get(runtime);
  if (runtimePath === undefined) {
    throw invalid(`unknown or invalid runtime name: ${runtime}`, {
      hint: `Known: ${[...engine.runtimes.paths.keys()].join(', ')}.`,
    });
  }
  return {
    runtime: runtimePath,
    runtimeRoot: engine.paths.runtimeRoot(runtime),
    id,
    what: { bundle: paths.runFolder },
    directory: paths.runFolder,
    exitFile: paths.exitRecord,
    tty: record.config.Tty,
    openStdin: record.config.OpenStdin,
    stdinOnce: record.config.StdinOnce,
    oomFiles: oomFiles(engine.cgroups, cgroupPath(engine, container)),
    log: logOptions(record.hostConfig.LogConfig, paths.log),
  };
}

/**
 * The log of a driver: `json-file`, `local` (kept in the same form here, rotated by default) or `none`. Throws `invalid`
 * for another driver or an option that makes no sense.
 */
export function logOptions(
  { Type: type, Config: options }: { Type: string; Config: Record<string, string> | null },
  path: string,
): LogOptions | undefined {
  if (type === 'none') return undefined;
  if (type !== 'json-file' && type !== 'local') {
    throw invalid(`logger: no log driver named '${type}' is registered`, { hint: 'Use json-file, local or none.' });
  }
  const given = options ?? {};
  const known = [
    'max-size',
    'max-file',
    'mode',
    'max-buffer-size',
    'compress',
    'labels',
    'labels-regex',
    'env',
    'env-regex',
    'tag',
  ];
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown !== undefined) throw invalid(`unknown log opt '${unknown}' for ${type} log driver`);
  const size = given['max-size'] === '-1' ? undefined : parseSize(given['max-size'], 'max-size');
  const maxFiles = given['max-file'] === undefined ? undefined : Number(given['max-file']);
  if (maxFiles !== undefined && !(Number.isInteger(maxFiles) && maxFiles >= 1)) {
    throw invalid(`invalid value for log option max-file: ${given['max-file']}`, { hint: 'It is a number from 1 on.' });
  }
  if (type === 'json-file' && maxFiles !== undefined && maxFiles > 1 && size === undefined) {
    throw invalid('max-file cannot be used without max-size');
  }
  const mode = given.mode ?? 'blocking';
  if (mode !== 'blocking' && mode !== 'non-blocking') throw invalid(`logger: logging mode not supported: ${mode}`);
  return {
    path,
    maxSize: size ?? (type === 'local' && given['max-size'] !== '-1' ? LOCAL_MAX_SIZE : undefined),
    maxFiles: maxFiles ?? (type === 'local' ? LOCAL_MAX_FILES : undefined),
    nonBlockingBuffer:
      mode === 'non-blocking'
        ? (parseSize(given['max-buffer-size'], 'max-buffer-size') ?? NON_BLOCKING_BUFFER)
        : undefined,
  };
}

/** `10m`, `64k`, `1g` or bytes. */
function parseSize(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d+)([kmgt]?)b?$/i.exec(text.trim());
  const size = match ? Number(match[1]) * 1024 ** ('kmgt'.indexOf(match[2]?.toLowerCase() || '-') + 1) : 0;
  if (!(size > 0))
    throw invalid(`invalid value for log option ${option}: ${text}`, { hint: 'Sizes look like 10m or 64k.' });
  return size;
}
