import type { Container } from '#container/container.ts';
import { commandLine } from '#container/description.ts';
import type { Exec } from '#container/exec.ts';
import type { ContainerRecord } from '#container/record.ts';
import { invalid } from '#errors/errors.ts';
import { parseBoolean } from '#lib/boolean.ts';
import { parseSize } from '#lib/size.ts';
import { oomFiles } from '#linux/cgroup-paths.ts';
import { logAttributes } from '#logs/attributes.ts';
import type { LogOptions, MonitorOptions } from '#runtime/monitor-arguments.ts';
import type { Engine } from '../engine.ts';
import type { RuntimeProgram } from '../runtimes.ts';
import { cgroupPath } from './launch-spec.ts';

const LOCAL_DEFAULTS = { maxSize: 20 * 1024 * 1024, maxFiles: 5, compress: true };
/** Bytes. */
const NON_BLOCKING_BUFFER = 1024 * 1024;

/** How the monitor of this container is to run it. */
export function monitorOptions(engine: Engine, container: Container): MonitorOptions {
  const { id, record } = container;
  const paths = engine.paths.container(id);
  const runtime = record.hostConfig.Runtime || engine.runtimes.default;
  return {
    ...runtimeOptions(engine, runtime),
    id,
    what: { bundle: paths.runFolder },
    directory: paths.runFolder,
    exitFile: paths.exitRecord,
    exitSync: isKept(record),
    tty: record.config.Tty,
    openStdin: record.config.OpenStdin,
    stdinOnce: record.config.StdinOnce,
    oomFile: oomFiles(engine.cgroups, cgroupPath(engine, container))[0],
    log: logOptions(container, paths.log),
  };
}

/**
 * Whether there is a container when its run has ended: else nobody can ask for its exit code after a power failure, and
 * there is no need to wait for the disk before its removal, which does.
 */
export function isKept({ hostConfig }: ContainerRecord): boolean {
  return !hostConfig.AutoRemove;
}

/** How a monitor is to run an exec. */
export function execMonitorOptions(engine: Engine, { id, container, record }: Exec): MonitorOptions {
  const { folder, process, exitRecord } = engine.paths.exec(container.id, id);
  const runtime = container.record.hostConfig.Runtime || engine.runtimes.default;
  return {
    ...runtimeOptions(engine, runtime),
    id: container.id,
    what: { execProcess: process },
    directory: folder,
    exitFile: exitRecord,
    tty: record.tty,
    openStdin: record.streams.stdin,
    stdinOnce: true,
  };
}

function runtimeOptions(
  engine: Engine,
  name: string,
): Pick<MonitorOptions, 'runtime' | 'runtimeRoot' | 'runtimeArguments'> {
  const { path, args } = runtimeProgram(engine, name);
  const systemd = engine.config.cgroupDriver === 'systemd' ? ['--systemd-cgroup'] : [];
  return { runtime: path, runtimeRoot: engine.paths.runtimeRoot(name), runtimeArguments: [...args, ...systemd] };
}

/** The program of a runtime's name; empty = the default. Throws `invalid` for an unknown one. */
export function runtimeProgram({ runtimes }: Engine, name: string | undefined): RuntimeProgram {
  const program = runtimes.programs.get(name || runtimes.default);
  if (program !== undefined) return program;
  throw invalid(`unknown or invalid runtime name: ${name}`, {
    hint: `Known: ${[...runtimes.programs.keys()].join(', ')}.`,
  });
}

/** The beginning of each command line of a runtime that is not a monitor's. Throws as `runtimeProgram`. */
export function runtimeCommand(engine: Engine, name: string): string[] {
  const { path, args } = runtimeProgram(engine, name);
  return [path, ...args, '--root', engine.paths.runtimeRoot(name)];
}

/** The log of `json-file`, of `local` (kept in the same form here, rotated by default) or, absent, of `none`. */
function logOptions({ record }: Container, path: string): LogOptions | undefined {
  const { Type: type, Config: config } = record.hostConfig.LogConfig;
  if (type === 'none') return undefined;
  const { 'max-size': maxSize, 'max-file': maxFiles, mode, compress, 'max-buffer-size': buffer } = config ?? {};
  const defaults = type === 'local' ? LOCAL_DEFAULTS : {};
  return {
    path,
    ...defaults,
    ...(maxSize !== undefined && { maxSize: parseSize(maxSize) }),
    ...(maxFiles !== undefined && { maxFiles: Number(maxFiles) }),
    ...(compress !== undefined && { compress: parseBoolean(compress) }),
    ...(type === 'json-file' && { attributes: attributesOf(record, config ?? {}) }),
    ...(mode === 'non-blocking' && { nonBlockingBuffer: parseSize(buffer ?? '') ?? NON_BLOCKING_BUFFER }),
  };
}

function attributesOf(record: ContainerRecord, options: Record<string, string>): string | undefined {
  const { id, name, imageId, config } = record;
  const container = {
    ...{ id, name, imageId, image: config.Image, labels: config.Labels ?? {}, env: config.Env ?? [] },
    command: commandLine(config),
  };
  const attributes = logAttributes(container, options);
  return attributes && JSON.stringify(attributes);
}
