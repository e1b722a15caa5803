import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dial } from '#api/client/client.ts';
import { formatEndpoint, type SshEndpoint } from '#api/client/endpoint.ts';
import { errnoCode, unavailable } from '#errors/errors.ts';

/** Bytes of what ssh complained of that are shown. */
const MAX_COMPLAINT = 4096;
/** ms; a connection that ssh leaves open for others holds its standard error. */
const LAST_WORDS = 1000;

/**
 * Connections through `ssh HOST ... system dial-stdio`, one program for each. Throws `unavailable` when there is no ssh; a
 * program that fails breaks the connection with `unavailable` and what it said.
 */
export function sshDial(endpoint: SshEndpoint): Dial {
  return async (signal) => {
    signal?.throwIfAborted();
    // A session of its own: what ^C means is for the command to say, not for the terminal.
    const child = spawn('ssh', sshArguments(endpoint), { stdio: 'pipe', detached: true });
    await once(child, 'spawn').catch((cause: unknown) => {
      const why = errnoCode(cause) === 'ENOENT' ? 'there is no ssh in the PATH' : (cause as Error).message;
      throw unavailable(`Cannot connect to ${formatEndpoint(endpoint)}: ${why}`, { cause });
    });
    const connection = streamOf(child, endpoint);
    const cancel = () => connection.destroy(signal?.reason);
    signal?.addEventListener('abort', cancel);
    connection.once('close', () => signal?.removeEventListener('abort', cancel));
    return connection;
  };
}

/** The standard streams of a program as one. Its end is the end of the output of a program that did well. */
function streamOf(child: ChildProcessWithoutNullStreams, endpoint: SshEndpoint): Duplex {
  let complaint = '';
  child.stderr.on('data', (piece) => (complaint = `${complaint}${piece}`.slice(-MAX_COMPLAINT)));
  const failed = new Promise<string | undefined>((resolve) => {
    child.once('exit', (code, killedBy) => resolve(code === 0 ? undefined : (killedBy ?? `exit status ${code}`)));
  });
  const silent = new Promise((resolve) => child.stderr.once('close', resolve));
  const stream = new Duplex({
    read: () => child.stdout.resume(),
    write: (piece, _encoding, done) => void child.stdin.write(piece, () => done()),
    final: (done) => void child.stdin.end(() => done()),
    destroy(error, done) {
      child.kill();
      done(error);
    },
  });
  child.stdin.on('error', () => {}); // its exit says why
  child.stdout.on('data', (piece) => stream.push(piece) || child.stdout.pause());
  child.stdout.on('end', async () => {
    const how = await failed;
    if (how === undefined) return stream.push(null);
    await Promise.race([silent, sleep(LAST_WORDS, undefined, { ref: false })]);
    stream.destroy(failure(endpoint, how, complaint.trim()));
  });
  return stream;
}

function sshArguments({ host, user, port, path }: SshEndpoint): string[] {
  const words = `${path ? `--host unix://${path} ` : ''}system dial-stdio`;
  const far = `sh -c 'command -v wherry >/dev/null 2>&1 && exec wherry ${words}; exec docker ${words}'`;
  const login = [...(user ? ['-l', user] : []), ...(port ? ['-p', String(port)] : [])];
  return ['-T', '-o', 'ConnectTimeout=30', ...login, '--', host, far];
}

function failure(endpoint: SshEndpoint, how: string, complaint: string): Error {
  const address = formatEndpoint(endpoint);
  return unavailable(`Cannot connect to ${address}: ssh ended with ${how}${complaint && `: ${complaint}`}`, {
    hint: 'ssh must get in without asking for anything, and find wherry or docker in the PATH there.',
  });
}
