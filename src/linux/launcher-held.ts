/** What the launcher holds beyond the life of an engine: descriptors, and ports as sockets that are bound. */
import { constants } from 'node:os';
import { system } from '#errors/errors.ts';
import { parseIp } from '#lib/ip.ts';
import { addCall, type Call, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET } from './launcher-calls.ts';
import type { Ask } from './launcher-connection.ts';
import type { HoldPortRequest } from './launcher-types.ts';

const { ENOPROTOOPT, EPERM } = constants.errno;
const ipProtocols = { tcp: 6, udp: 17, sctp: 132 };
const AF_INET = 2;
const AF_INET6 = 10;
const SO_RCVBUF = 8;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const NO_SPACE = Buffer.alloc(4);
const ON = Buffer.from(Uint32Array.of(1).buffer);

/** Holds a copy of this process's descriptor `fd`, instead of what is held under that key. */
export function keepDescriptor(ask: Ask, key: string, fd: number): Promise<void> {
  const calls: Call[] = [];
  const label = `copying descriptor ${fd} of the engine`;
  const process_ = addCall(calls, label, 'pidfd_open', [process.pid, 0]);
  const copy = addCall(calls, label, 'pidfd_getfd', [process_, fd, 0]);
  addCall(calls, label, 'release', [key]);
  addCall(calls, label, 'keep', [key, copy, 1]);
  return ask({ what: `keeping descriptor ${fd} as ${key}`, calls, decode: () => undefined });
}

export function release(ask: Ask, key: string): Promise<void> {
  const calls: Call[] = [];
  addCall(calls, 'closing it', 'release', [key]);
  return ask({ what: `releasing ${key}`, calls, decode: () => undefined });
}

/** A bound socket that does not listen, without SO_REUSEADDR: nobody else gets the port, and clients get a reset. */
export async function holdPort(ask: Ask, { key, protocol, address, port }: HoldPortRequest): Promise<void> {
  const what = `binding ${protocol} port ${port} on ${address}`;
  const ip = parseIp(address);
  if (!ip || port < 1 || port > 0xffff)
    throw system(`${what} failed: the address ${address}: Invalid argument`, { code: 'EINVAL' });
  const calls: Call[] = [];
  const fine = [EPERM, ENOPROTOOPT];
  const isV6 = ip.length === 16;
  const type = (protocol === 'udp' ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC;
  const socket = addCall(calls, 'bind', 'socket', [isV6 ? AF_INET6 : AF_INET, type, ipProtocols[protocol]]);
  if (isV6) addCall(calls, 'bind', 'setsockopt', [socket, IPPROTO_IPV6, IPV6_V6ONLY, ON], { fine });
  addCall(calls, 'bind', 'setsockopt', [socket, SOL_SOCKET, SO_RCVBUF, NO_SPACE], { fine });
  addCall(calls, 'bind', 'bind', [socket, socketAddress(ip, port)]);
  addCall(calls, 'bind', 'keep', [key, socket, 0]);
  return await ask({
    what,
    calls,
    decode: () => undefined,
    explain: ({ name, text }) => (name === 'EEXIST' ? `the key ${key}: ${text}` : undefined),
  });
}

/** A struct sockaddr_in (ip(7)) or sockaddr_in6 (ipv6(7)). */
function socketAddress(ip: Uint8Array, port: number): Buffer {
  const isV6 = ip.length === 16;
  const address = Buffer.alloc(isV6 ? 28 : 16);
  address.writeUInt16LE(isV6 ? AF_INET6 : AF_INET, 0);
  address.writeUInt16BE(port, 2);
  address.set(ip, isV6 ? 8 : 4);
  return address;
}

/** What is held: descriptors, by their number in an engine that the launcher starts, and ports (0). */
export function listHeld(ask: Ask): Promise<Map<string, number>> {
  const calls: Call[] = [];
  addCall(calls, 'held', 'held', []);
  return ask({ what: 'listing what is held', calls, decode: ([held]) => decodeHeld(held!.output) });
}

/** The output of `held`. */
export function decodeHeld(output: Buffer): Map<string, number> {
  const held = new Map<string, number>();
  for (let at = 0; at < output.length; ) {
    const end = output.indexOf(0, at + 4);
    held.set(output.toString('utf8', at + 4, end), output.readUInt32LE(at));
    at = end + 1;
  }
  return held;
}
