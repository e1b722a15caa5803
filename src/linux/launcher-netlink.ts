/** Netlink messages through the launcher; a socket is of the namespace in which it was made. */
import { constants } from 'node:os';
import {
  addCall,
  type Call,
  MAX_OUTPUT,
  none,
  type Register,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOL_SOCKET,
} from './launcher-calls.ts';

const { EAGAIN, ENOPROTOOPT, EPERM } = constants.errno;
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const SPACE = Buffer.from(Uint32Array.of(1 << 20).buffer);
const ON = Buffer.from(Uint32Array.of(1).buffer);

/**
 * Sends messages, which may name the descriptor `passed` at an offset, and gives the call whose output are the answers.
 * The kernel has done what it was asked for, and queued its answers, when `send` returns (netlink_unicast_kernel); of a
 * dump, each `recv` makes it queue the next part. So there is never anything to wait for.
 */
export function addExchange(
  calls: Call[],
  protocol: number,
  messages: Uint8Array,
  passed: Register = none,
  offset = 0,
): Register {
  const type = SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK;
  const socket = addCall(calls, 'a netlink socket', 'socket', [AF_NETLINK, type, protocol]);
  const set = (level: number, option: number, value: Uint8Array) =>
    addCall(calls, 'setsockopt', 'setsockopt', [socket, level, option, value], { fine: [EPERM, ENOPROTOOPT] });
  set(SOL_SOCKET, SO_SNDBUFFORCE, SPACE);
  set(SOL_SOCKET, SO_RCVBUFFORCE, SPACE);
  set(SOL_NETLINK, NETLINK_EXT_ACK, ON);
  set(SOL_NETLINK, NETLINK_CAP_ACK, ON);
  addCall(calls, 'sending', 'send', [socket, messages, passed, offset]);
  return addCall(calls, 'receiving', 'recv', [socket, MAX_OUTPUT, 0], { fine: [EAGAIN] });
}
