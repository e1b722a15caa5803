import { createHash } from 'node:crypto';
import { forbidden, invalid } from '#errors/errors.ts';
import type { RequestHead } from '../http1/head.ts';

/** RFC 6455, section 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** For a request that does not ask for an upgrade. */
export const notAsked = () =>
  invalid('this route is a WebSocket', { hint: 'Ask for it with "Connection: Upgrade" and "Upgrade: websocket".' });

/**
 * The head that accepts a WebSocket, with the lines of `common` in it (RFC 6455, section 4.2). Throws `invalid` for what is not
 * asked for as it must be, and `forbidden` for one that a browser sends for a page from elsewhere: pages may not open a terminal
 * in a container just because the engine listens on the same machine.
 */
export function acceptHead({ headers }: Pick<RequestHead, 'headers'>, common: string): string {
  const { 'sec-websocket-key': key, 'sec-websocket-version': version, 'sec-websocket-protocol': protocols } = headers;
  if (version !== '13') throw invalid(`WebSocket version ${version ?? '(none)'} is not supported`, { hint: 'Use 13.' });
  if (!key || Buffer.from(key, 'base64').length !== 16)
    throw invalid('the Sec-WebSocket-Key is not 16 bytes in base64');
  if (headers.origin !== undefined && hostOf(headers.origin) !== headers.host) {
    throw forbidden(`a page from ${headers.origin} may not connect to ${headers.host}`);
  }
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${createHash('sha1').update(`${key}${GUID}`).digest('base64')}`,
    ...(protocols ? [`Sec-WebSocket-Protocol: ${protocols.split(',')[0]!.trim()}`] : []),
  ];
  return `${lines.join('\r\n')}\r\n${common}\r\n`;
}

function hostOf(origin: string): string | undefined {
  return URL.parse(origin)?.host;
}
