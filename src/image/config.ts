import type { HealthConfig } from '#api/types/container-config.ts';
import type { ImageConfig } from '#api/types/image.ts';
import { describe, invalid } from '#errors/errors.ts';
import { type Digest, parseDigest } from '#lib/digest.ts';
import { parseExact } from '#lib/json.ts';
import { parseTime } from '#lib/time.ts';
import * as shape from './shape.ts';

/**
 * What the engine reads from an image's config (OCI Image Spec, config.md; Docker Image Spec v1.2, whose additions it
 * shares). The bytes themselves are kept as they came, with every field that is not here.
 */
export interface ParsedConfig {
  architecture: string;
  variant: string | undefined;
  os: string;
  osVersion: string | undefined;
  /** As written; undefined when absent. */
  created: string | undefined;
  /** ns since 1970; 0n when absent or no RFC 3339 time. */
  createdAt: bigint;
  author: string;
  comment: string;
  dockerVersion: string;
  config: ImageConfig | undefined;
  /** Bottom first. */
  diffIds: readonly Digest[];
  history: readonly HistoryEntry[];
}

/** One step by which an image came about, the oldest first. */
export interface HistoryEntry {
  /** ns since 1970; 0n when absent. */
  createdAt: bigint;
  createdBy: string;
  author: string;
  comment: string;
  /** The step made no layer. */
  emptyLayer: boolean;
}

/** The longest chain that one root may have. */
export const MAX_IMAGE_DEPTH = 127;

/** Parses an image config. Throws `invalid` (code `IMAGE_INVALID`) that names the field which is wrong. */
export function parseImageConfig(bytes: Buffer): ParsedConfig {
  const where = 'image config';
  const root = shape.requiredObject(parseJson(bytes, where), where);
  const rootfs = shape.requiredObject(root.rootfs, `${where}: rootfs`);
  const diffIds =
    shape.optionalList(rootfs.diff_ids, `${where}: rootfs.diff_ids`, (item, at) => parseDigest(item, at)) ?? [];
  if (diffIds.length > MAX_IMAGE_DEPTH) {
    throw invalid(`max depth exceeded: the image has ${diffIds.length} layers, the limit is ${MAX_IMAGE_DEPTH}`);
  }
  const text = (name: string) => shape.optionalText(root[name], `${where}: ${name}`);
  const created = text('created');
  return {
    architecture: text('architecture') ?? '',
    variant: text('variant') || undefined,
    os: text('os') ?? '',
    osVersion: text('os.version') || undefined,
    created,
    createdAt: createdTime(created),
    author: text('author') ?? '',
    comment: text('comment') ?? '',
    dockerVersion: text('docker_version') ?? '',
    config: readContainerDefaults(root.config, `${where}: config`),
    diffIds,
    history: shape.optionalList(root.history, `${where}: history`, readHistory) ?? [],
  };
}

/** JSON as Docker reads it: UTF-8, integers of any length kept. Throws `invalid` that says `where`. */
export function parseJson(bytes: Buffer, where: string): unknown {
  try {
    return parseExact(bytes.toString('utf8'));
  } catch (cause) {
    throw invalid(`${where} is not JSON: ${describe(cause)}`, { code: 'IMAGE_INVALID', cause });
  }
}

/** The `config` object: what containers of the image start with. Fields that are empty are left out. */
export function readContainerDefaults(value: unknown, where: string): ImageConfig | undefined {
  const from = shape.optionalObject(value, where);
  if (!from) return undefined;
  const at = (name: string) => `${where}.${name}`;
  const texts = (name: string) => shape.optionalTexts(from[name], at(name));
  const config: ImageConfig = {
    User: shape.optionalText(from.User, at('User')) || undefined,
    ExposedPorts: shape.optionalSet(from.ExposedPorts, at('ExposedPorts')),
    Env: texts('Env'),
    Entrypoint: texts('Entrypoint'),
    Cmd: texts('Cmd'),
    Volumes: shape.optionalSet(from.Volumes, at('Volumes')),
    WorkingDir: shape.optionalText(from.WorkingDir, at('WorkingDir')) || undefined,
    Labels: shape.optionalTextMap(from.Labels, at('Labels')),
    StopSignal: shape.optionalText(from.StopSignal, at('StopSignal')) || undefined,
    ArgsEscaped: shape.optionalBoolean(from.ArgsEscaped, at('ArgsEscaped')) || undefined,
    Healthcheck: readHealthcheck(from.Healthcheck, at('Healthcheck')),
    OnBuild: texts('OnBuild'),
    Shell: texts('Shell'),
  };
  return Object.fromEntries(Object.entries(config).filter(([, field]) => field !== undefined));
}

function readHealthcheck(value: unknown, where: string): HealthConfig | undefined {
  const from = shape.optionalObject(value, where);
  if (!from) return undefined;
  const duration = (name: string) => shape.optionalInteger(from[name], `${where}.${name}`);
  const retries = shape.optionalInteger(from.Retries, `${where}.Retries`);
  const health: HealthConfig = {
    Test: shape.optionalTexts(from.Test, `${where}.Test`),
    Interval: duration('Interval'),
    Timeout: duration('Timeout'),
    StartPeriod: duration('StartPeriod'),
    StartInterval: duration('StartInterval'),
    Retries: retries === undefined ? undefined : Number(retries),
  };
  return Object.fromEntries(Object.entries(health).filter(([, field]) => field !== undefined));
}

function readHistory(value: unknown, where: string): HistoryEntry {
  const from = shape.requiredObject(value, where);
  const text = (name: string) => shape.optionalText(from[name], `${where}.${name}`) ?? '';
  return {
    createdAt: createdTime(text('created')),
    createdBy: text('created_by'),
    author: text('author'),
    comment: text('comment'),
    emptyLayer: shape.optionalBoolean(from.empty_layer, `${where}.empty_layer`) ?? false,
  };
}

/** ns since 1970; 0n when absent or no RFC 3339 time. */
export function createdTime(text: string | undefined): bigint {
  return (text && parseTime(text)) || 0n;
}
