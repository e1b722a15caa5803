import { constants } from 'node:os';
import { system } from '#errors/errors.ts';
import type { Launcher, NetlinkRequest } from './launcher-types.ts';

/**
 * Netlink messages (RFC 3549, linux/netlink.h): framing, attributes, acknowledgements. What the messages say is in
 * `netlink-link.ts`, `netlink-address.ts` and `netlink-nftables.ts`; the launcher sends them in the right namespace.
 */
export interface NetlinkMessage {
  type: number;
  /** NLM_F_* beyond REQUEST and ACK, which every message gets. */
  flags?: number;
  body: Buffer;
  /** What the message is for, as it reads after "cannot": `create the bridge wherry0`. */
  purpose: string;
  /** Errno names that count as success (`EEXIST` for "is there already"). */
  accept?: string[];
}

export interface NetlinkReply {
  type: number;
  body: Buffer;
}

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_DUMP = 0x300;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;

export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

export const NETLINK_HEADER_LENGTH = 16;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;
const NLMSGERR_ATTR_MSG = 1;

const errnoNames = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));

/** One attribute: text is zero-terminated, a number is a u32 in host order, a list nests. */
export function attribute(type: number, value: string | number | Uint8Array | Buffer[]): Buffer {
  const payload = attributePayload(value);
  const length = 4 + payload.length;
  const buffer = Buffer.alloc(align(length));
  buffer.writeUInt16LE(length, 0);
  buffer.writeUInt16LE(type, 2);
  buffer.set(payload, 4);
  return buffer;
}

/** The attributes from `offset` to the end of `body`, by type (flag bits removed); a malformed rest is left out. */
export function readAttributes(body: Buffer, offset = 0): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  let at = offset;
  while (at + 4 <= body.length) {
    const length = body.readUInt16LE(at);
    if (length < 4 || at + length > body.length) break;
    found.set(body.readUInt16LE(at + 2) & 0x3fff, body.subarray(at + 4, at + length));
    at += align(length);
  }
  return found;
}

/** Text of a zero-terminated string attribute. */
export function attributeText(value: Buffer): string {
  const end = value.indexOf(0);
  return value.toString('utf8', 0, end === -1 ? value.length : end);
}

/** The messages in a row, numbered 1, 2, ... so that acknowledgements can be told apart. */
export function encodeMessages(messages: NetlinkMessage[]): Buffer {
  const parts: Buffer[] = [];
  for (const [index, message] of messages.entries()) {
    const header = Buffer.alloc(NETLINK_HEADER_LENGTH);
    header.writeUInt32LE(NETLINK_HEADER_LENGTH + message.body.length, 0);
    header.writeUInt16LE(message.type, 4);
    header.writeUInt16LE(NLM_F_REQUEST | NLM_F_ACK | (message.flags ?? 0), 6);
    header.writeUInt32LE(index + 1, 8);
    parts.push(header, message.body, Buffer.alloc(align(message.body.length) - message.body.length));
  }
  return Buffer.concat(parts);
}

/**
 * The answers other than acknowledgements.
 * Throws an EngineError (`system`, code = errno name) for the first message that the kernel refused.
 */
export function decodeReplies(buffer: Buffer, messages: NetlinkMessage[]): NetlinkReply[] {
  const replies: NetlinkReply[] = [];
  let at = 0;
  while (at + NETLINK_HEADER_LENGTH <= buffer.length) {
    const length = buffer.readUInt32LE(at);
    if (length < NETLINK_HEADER_LENGTH || at + length > buffer.length)
      throw system('netlink reply is malformed', { code: 'EBADMSG' });
    const type = buffer.readUInt16LE(at + 4);
    const body = buffer.subarray(at + NETLINK_HEADER_LENGTH, at + length);
    if (type === NLMSG_ERROR || type === NLMSG_DONE) {
      checkResult(type, buffer.readUInt16LE(at + 6), body, messages[buffer.readUInt32LE(at + 8) - 1]);
    } else replies.push({ type, body });
    at += align(length);
  }
  return replies;
}

/**
 * Sends the messages in order (in the engine's own namespace, or in that of `options.netns`) and gives the answers.
 * The kernel goes on after a refused message; the first refusal is thrown as an EngineError with the errno's name.
 */
export async function sendNetlink(
  launcher: Pick<Launcher, 'netlink'>,
  messages: NetlinkMessage[],
  options: Partial<Pick<NetlinkRequest, 'netns' | 'protocol' | 'namespaceFd'>> = {},
): Promise<NetlinkReply[]> {
  const request = { protocol: NETLINK_ROUTE, ...options, messages: encodeMessages(messages) };
  return decodeReplies(await launcher.netlink(request), messages);
}

/** NLMSG_DONE carries an errno like an acknowledgement does: a dump that failed half-way ends with one. */
function checkResult(type: number, flags: number, body: Buffer, message: NetlinkMessage | undefined): void {
  const result = body.length >= 4 ? body.readInt32LE(0) : 0;
  if (result >= 0) return;
  const code = errnoNames.get(-result) ?? `errno ${-result}`;
  if (message?.accept?.includes(code)) return;
  const detail = type === NLMSG_ERROR && flags & NLM_F_ACK_TLVS ? extendedText(body, flags) : undefined;
  throw system(`cannot ${message?.purpose ?? 'use netlink'}: ${detail ? `${detail} (${code})` : code}`, { code });
}

/** The kernel's own words (NETLINK_EXT_ACK), after the errno and the echoed message or its header. */
function extendedText(body: Buffer, flags: number): string | undefined {
  if (body.length < 4 + NETLINK_HEADER_LENGTH) return undefined;
  const echoed = flags & NLM_F_CAPPED ? NETLINK_HEADER_LENGTH : align(body.readUInt32LE(4));
  const text = readAttributes(body, 4 + echoed).get(NLMSGERR_ATTR_MSG);
  return text && attributeText(text);
}

function attributePayload(value: string | number | Uint8Array | Buffer[]): Uint8Array {
  if (typeof value === 'string') return Buffer.from(`${value}\0`);
  if (Array.isArray(value)) return Buffer.concat(value);
  if (typeof value !== 'number') return value;
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}

function align(length: number): number {
  return (length + 3) & ~3;
}
