import type { ExecConfig, ExecStartConfig } from '#api/types/exec.ts';
import { boolean, list, nullable, pair, string, strings, struct } from '../decode.ts';

export const execConfig = struct<ExecConfig>('ExecConfig', {
  User: string,
  Privileged: boolean,
  Tty: boolean,
  ConsoleSize: nullable(pair),
  AttachStdin: boolean,
  AttachStdout: boolean,
  AttachStderr: boolean,
  DetachKeys: string,
  Env: list(string),
  WorkingDir: string,
  Cmd: strings,
});

export const execStartConfig = struct<ExecStartConfig>('ExecStartConfig', {
  Detach: boolean,
  Tty: boolean,
  ConsoleSize: nullable(pair),
});
