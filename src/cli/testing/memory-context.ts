import { PassThrough, Writable } from 'node:stream';
import { createClient } from '#api/client/client.ts';
import { parseEndpoint } from '#api/client/endpoint.ts';
import type { Context } from '../command.ts';
import { runCommandLine } from '../command-line.ts';

export interface Outcome {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  host?: string;
  stdin?: string | PassThrough;
  env?: Record<string, string>;
  /** Default: one that is not there. */
  configFolder?: string;
}

/** Runs a command line in this process and gives what it printed. */
export async function runInMemory(argv: string[], options: RunOptions = {}): Promise<Outcome> {
  const printed = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const stdin = options.stdin instanceof PassThrough ? options.stdin : new PassThrough().end(options.stdin ?? '');
  const context: Context = {
    program: 'wherry',
    env: { ...options.env },
    configFolder: options.configFolder ?? '/nonexistent/.docker',
    contextName: async () => 'default',
    client: async () => createClient(parseEndpoint(options.host ?? 'unix:///nowhere/daemon.sock')),
    stdin,
    stdout: collector(printed.stdout),
    stderr: collector(printed.stderr),
  };
  const exitCode = await runCommandLine(argv, () => context);
  return {
    exitCode,
    stdout: Buffer.concat(printed.stdout).toString(),
    stderr: Buffer.concat(printed.stderr).toString(),
  };
}

function collector(pieces: Buffer[]): Writable {
  return new Writable({
    write(piece, _encoding, done) {
      pieces.push(Buffer.from(piece));
      done();
    },
  });
}
