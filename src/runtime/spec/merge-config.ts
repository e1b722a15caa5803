import { posix } from 'node:path';
import type { Config, HealthConfig } from '#api/types/container-config.ts';
import type { ImageConfig } from '#api/types/image.ts';
import { variableName } from './environment.ts';

/** `StopTimeout` is not in the specification, but `commit` writes it. */
export type ImageDefaults = ImageConfig & Pick<Config, 'StopTimeout'>;

/**
 * A container's configuration over its image's, as the daemon echoes it afterwards: what the container sets wins,
 * environment, labels, ports and volumes are joined, and an entrypoint of its own drops the image's command.
 */
export function mergeConfig(container: Config, image: ImageDefaults): Config {
  const merged: Config = {
    ...container,
    User: container.User || image.User || '',
    Env: mergeEnvironment(container.Env, image.Env ?? null),
    ...mergeCommand(container, image),
    WorkingDir: container.WorkingDir || image.WorkingDir || '',
    Volumes: mergeMaps(container.Volumes, image.Volumes),
    Labels: mergeMaps(container.Labels, image.Labels) ?? {},
  };
  return {
    ...merged,
    WorkingDir: merged.WorkingDir && cleanPath(merged.WorkingDir),
    ...optional('ExposedPorts', mergeMaps(container.ExposedPorts ?? null, image.ExposedPorts)),
    ...optional('Healthcheck', mergeHealthcheck(container.Healthcheck, image.Healthcheck)),
    ...optional('StopSignal', container.StopSignal || image.StopSignal || undefined),
    ...optional('StopTimeout', container.StopTimeout ?? image.StopTimeout),
    ...optional('Shell', container.Shell?.length ? container.Shell : (image.Shell ?? undefined)),
  };
}

/** `[""]` and `[]` as entrypoint take the image's away; beside `[]` its command stays. */
function mergeCommand(container: Config, image: ImageDefaults): Pick<Config, 'Cmd' | 'Entrypoint'> {
  if (container.Entrypoint?.length) {
    const cleared = container.Entrypoint.length === 1 && container.Entrypoint[0] === '';
    return { Entrypoint: cleared ? null : container.Entrypoint, Cmd: container.Cmd };
  }
  return {
    Entrypoint: container.Entrypoint ?? image.Entrypoint ?? null,
    Cmd: container.Cmd?.length ? container.Cmd : (image.Cmd ?? null),
  };
}

/** The container's variables, then those of the image whose names it does not mention. */
function mergeEnvironment(container: string[] | null, image: string[] | null): string[] | null {
  if (!container?.length) return image;
  const names = new Set(container.map(variableName));
  return [...container, ...(image ?? []).filter((entry) => !names.has(variableName(entry)))];
}

/** Field by field, as 0 and an empty test mean "inherit". */
function mergeHealthcheck(own: HealthConfig | undefined, image: HealthConfig | undefined): HealthConfig | undefined {
  if (!own || !image) return own ?? image;
  const filled = Object.entries(own).filter(([, value]) => (Array.isArray(value) ? value.length > 0 : value));
  return { ...image, ...Object.fromEntries(filled) };
}

function mergeMaps<T>(own: Record<string, T> | null, image: Record<string, T> | null | undefined) {
  return own || image ? { ...image, ...own } : null;
}

/** `/a/../b/` -> `/b`. A relative path is left for validation to refuse. */
function cleanPath(path: string): string {
  const clean = posix.normalize(path);
  return clean.length > 1 && clean.endsWith('/') ? clean.slice(0, -1) : clean;
}

function optional<K extends string, V>(key: K, value: V | null | undefined): { [P in K]?: V } {
  return value === undefined || value === null ? {} : ({ [key]: value } as { [P in K]: V });
}
