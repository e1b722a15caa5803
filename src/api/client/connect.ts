import { connect as connectSocket, type Socket } from 'node:net';
import { errnoCode, invalid, unavailable } from '#errors/errors.ts';
import { DEFAULT_HOST, formatEndpoint, type SocketEndpoint, type TlsFiles } from './endpoint.ts';

/**
 * Opens a connection to the daemon. The socket is half-open: its writing side ends without ending its reading side.
 *
 * @throws EngineError `unavailable` when nobody answers, with the way to start a daemon as its hint; `invalid` when a
 * certificate file cannot be read.
 */
export async function connect(endpoint: SocketEndpoint, signal?: AbortSignal): Promise<Socket> {
  const socket = await open(endpoint);
  return new Promise((resolve, reject) => {
    const cancel = () => socket.destroy(signal?.reason);
    signal?.addEventListener('abort', cancel);
    socket.once('close', () => signal?.removeEventListener('abort', cancel));
    const fail = (error: Error) => reject(signal?.aborted ? error : unreachable(endpoint, error));
    socket.once('error', fail);
    socket.once(endpoint.kind === 'tcp' && endpoint.tls ? 'secureConnect' : 'connect', () => {
      socket.off('error', fail);
      resolve(socket);
    });
    if (signal?.aborted) cancel();
  });
}

async function open(endpoint: SocketEndpoint): Promise<Socket> {
  if (endpoint.kind === 'unix') return connectSocket({ path: endpoint.path, allowHalfOpen: true });
  const { host, port, tls } = endpoint;
  if (!tls) return connectSocket({ host, port, allowHalfOpen: true, noDelay: true });
  const { connect: connectTls } = await import('node:tls');
  const servername = /^[\d.]+$|:/.test(host) ? undefined : host;
  const options = { host, port, servername, rejectUnauthorized: tls.verify, ...(await readCertificates(tls)) };
  const socket = connectTls(options);
  socket.allowHalfOpen = true;
  return socket;
}

async function readCertificates(tls: TlsFiles): Promise<{ ca?: Buffer; cert?: Buffer; key?: Buffer }> {
  const { readFile } = await import('node:fs/promises');
  const read = async (path: string | undefined, needed: boolean) => {
    if (path === undefined) return undefined;
    try {
      return await readFile(path);
    } catch (error) {
      if (!needed && errnoCode(error) === 'ENOENT') return undefined;
      throw invalid(`could not read the TLS file ${path}: ${errnoCode(error) ?? error}`, {
        cause: error,
        hint: 'Set DOCKER_CERT_PATH to the folder that holds ca.pem, cert.pem and key.pem.',
      });
    }
  };
  return { ca: await read(tls.ca, tls.verify), cert: await read(tls.cert, false), key: await read(tls.key, false) };
}

const reasons: Record<string, string> = {
  ENOENT: 'there is no such socket',
  ECONNREFUSED: 'nobody listens there',
  EACCES: 'permission denied',
  ENOTFOUND: 'the host name is unknown',
};

function unreachable(endpoint: SocketEndpoint, error: Error): Error {
  const address = formatEndpoint(endpoint);
  const code = errnoCode(error) ?? '';
  const reason = reasons[code] ?? error.message;
  return unavailable(`Cannot connect to the wherry daemon at ${address}: ${reason}. Is the wherry daemon running?`, {
    code,
    cause: error,
    hint: code === 'EACCES' ? 'Use sudo, or join the group that owns the socket.' : startHint(endpoint, address),
  });
}

function startHint(endpoint: SocketEndpoint, address: string): string {
  const daemon = decodeURIComponent(new URL('../../../bin/wherryd', import.meta.url).pathname);
  if (address === DEFAULT_HOST) return `Start it with: sudo ${daemon}`;
  const tls = endpoint.kind === 'tcp' && endpoint.tls ? ' --tlsverify' : '';
  return `Start it with: sudo ${daemon}${tls} -H ${address}`;
}
