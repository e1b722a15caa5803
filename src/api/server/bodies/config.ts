import type { HealthConfig } from '#api/types/container-config.ts';
import {
  boolean,
  int64,
  integer,
  list,
  map,
  omitEmpty,
  optional,
  string,
  stringSet,
  strings,
  struct,
} from '../decode.ts';

const healthConfig = struct<HealthConfig>('HealthConfig', {
  Test: omitEmpty(list(string)),
  Interval: omitEmpty(int64),
  Timeout: omitEmpty(int64),
  StartPeriod: omitEmpty(int64),
  StartInterval: omitEmpty(int64),
  Retries: omitEmpty(integer),
});

/** The fields of a config; a create request has them beside its own. */
export const configFields = {
  Hostname: string,
  Domainname: string,
  User: string,
  AttachStdin: boolean,
  AttachStdout: boolean,
  AttachStderr: boolean,
  ExposedPorts: omitEmpty(stringSet),
  Tty: boolean,
  OpenStdin: boolean,
  StdinOnce: boolean,
  Env: list(string),
  Cmd: strings,
  Healthcheck: optional(healthConfig),
  ArgsEscaped: omitEmpty(boolean),
  Image: string,
  Volumes: stringSet,
  WorkingDir: string,
  Entrypoint: strings,
  NetworkDisabled: omitEmpty(boolean),
  MacAddress: omitEmpty(string),
  OnBuild: list(string),
  Labels: map(string),
  StopSignal: omitEmpty(string),
  StopTimeout: optional(integer),
  Shell: omitEmpty(strings),
};
