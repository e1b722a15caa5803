import type { Int64, StringSet } from './scalar.ts';

/** What is portable about a container: it could come from an image, and `commit` writes it into one. */
export interface Config {
  Hostname: string;
  Domainname: string;
  User: string;
  AttachStdin: boolean;
  AttachStdout: boolean;
  AttachStderr: boolean;
  /** Keys `80/tcp`. */
  ExposedPorts?: StringSet;
  Tty: boolean;
  OpenStdin: boolean;
  StdinOnce: boolean;
  /** `NAME=value`; a bare `NAME` takes the variable away. */
  Env: string[] | null;
  Cmd: string[] | null;
  Healthcheck?: HealthConfig;
  ArgsEscaped?: boolean;
  Image: string;
  Volumes: StringSet | null;
  WorkingDir: string;
  Entrypoint: string[] | null;
  NetworkDisabled?: boolean;
  /** Deprecated since 1.44: it belongs to the endpoint. */
  MacAddress?: string;
  OnBuild: string[] | null;
  Labels: Record<string, string> | null;
  StopSignal?: string;
  /** Seconds; absent = the daemon's 10; -1 = wait for ever. */
  StopTimeout?: number;
  Shell?: string[];
}

/** Durations are nanoseconds; 0 = inherit. */
export interface HealthConfig {
  /** `[]` inherit, `["NONE"]`, `["CMD", ...]`, `["CMD-SHELL", text]`. */
  Test?: string[];
  Interval?: Int64;
  Timeout?: Int64;
  StartPeriod?: Int64;
  StartInterval?: Int64;
  Retries?: number;
}

export const EMPTY_CONFIG: Readonly<Config> = Object.freeze({
  Hostname: '',
  Domainname: '',
  User: '',
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Env: null,
  Cmd: null,
  Image: '',
  Volumes: null,
  WorkingDir: '',
  Entrypoint: null,
  OnBuild: null,
  Labels: null,
});
