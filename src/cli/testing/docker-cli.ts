import { execFile } from 'node:child_process';
import type { Outcome } from './memory-context.ts';

/** Docker's own command line client (Debian's docker-cli): the measure of what ours sends and prints. */
const docker = '/usr/bin/docker';

/** Runs docker's client against the daemon at `host`. */
export function runDocker(argv: string[], options: { host: string; env?: Record<string, string> }): Promise<Outcome> {
  const env = { PATH: '/usr/bin', HOME: '/nonexistent', ...options.env, DOCKER_HOST: options.host };
  return new Promise((resolve) => {
    const child = execFile(docker, argv, { env }, (error, stdout, stderr) => {
      resolve({ exitCode: error ? Number(error.code) : 0, stdout, stderr });
    });
    child.stdin!.end();
  });
}
