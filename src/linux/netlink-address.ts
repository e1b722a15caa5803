import { formatIp, parseIp } from '#lib/ip.ts';
import {
  attribute,
  type NetlinkMessage,
  type NetlinkReply,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_REPLACE,
  readAttributes,
} from './netlink.ts';

/** Messages about addresses and routes (rtnetlink(7), linux/if_addr.h, linux/rtnetlink.h). */
export interface LinkAddress {
  /** Index of the link it belongs to. */
  link: number;
  address: string;
  prefix: number;
}

export interface Route {
  /** Undefined = every destination (the default route). */
  destination: string | undefined;
  prefix: number;
  gateway: string | undefined;
  /** Index of the outgoing link; 0 for routes without one (unreachable, multipath). */
  link: number;
  /** Routing table; 254 = main, 255 = local. */
  table: number;
}

const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;

const AF_INET = 2;
const AF_INET6 = 10;
const IFADDR_LENGTH = 8;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;
const IFA_F_NODAD = 2;

const RTMSG_LENGTH = 12;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_TABLE = 15;
export const MAIN_TABLE = 254;
const RTPROT_BOOT = 3;
const RT_SCOPE_UNIVERSE = 0;
const RTN_UNICAST = 1;

/** Gives a link an address; an address that is there already is fine. */
export function addAddress(link: number, address: string, prefix: number): NetlinkMessage {
  const purpose = `add the address ${address}/${prefix}`;
  return { type: RTM_NEWADDR, flags: NLM_F_CREATE | NLM_F_REPLACE, body: addressBody(link, address, prefix), purpose };
}

export function deleteAddress(link: number, address: string, prefix: number): NetlinkMessage {
  const purpose = `remove the address ${address}/${prefix}`;
  return { type: RTM_DELADDR, body: addressBody(link, address, prefix), purpose, accept: ['EADDRNOTAVAIL'] };
}

/** The route for everything else, in the main table; takes the place of one that is there. */
export function setDefaultRoute(gateway: string): NetlinkMessage {
  const bytes = addressBytes(gateway);
  const body = Buffer.concat([routeHeader(family(bytes)), attribute(RTA_GATEWAY, bytes)]);
  const purpose = `set the default route to ${gateway}`;
  return { type: RTM_NEWROUTE, flags: NLM_F_CREATE | NLM_F_REPLACE, body, purpose };
}

export function deleteDefaultRoute(version: 4 | 6): NetlinkMessage {
  const body = routeHeader(version === 4 ? AF_INET : AF_INET6);
  return { type: RTM_DELROUTE, body, purpose: 'remove the default route', accept: ['ESRCH'] };
}

export function dumpAddresses(): NetlinkMessage {
  return { type: RTM_GETADDR, flags: NLM_F_DUMP, body: Buffer.alloc(IFADDR_LENGTH), purpose: 'list the addresses' };
}

export function dumpRoutes(): NetlinkMessage {
  return { type: RTM_GETROUTE, flags: NLM_F_DUMP, body: Buffer.alloc(RTMSG_LENGTH), purpose: 'list the routes' };
}

export function readAddresses(replies: NetlinkReply[]): LinkAddress[] {
  const found: LinkAddress[] = [];
  for (const { type, body } of replies) {
    if (type !== RTM_NEWADDR || body.length < IFADDR_LENGTH) continue;
    const attributes = readAttributes(body, IFADDR_LENGTH);
    const bytes = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
    if (bytes) found.push({ link: body.readUInt32LE(4), address: formatIp(bytes), prefix: body.readUInt8(1) });
  }
  return found;
}

export function readRoutes(replies: NetlinkReply[]): Route[] {
  const found: Route[] = [];
  for (const { type, body } of replies) {
    if (type !== RTM_NEWROUTE || body.length < RTMSG_LENGTH) continue;
    const attributes = readAttributes(body, RTMSG_LENGTH);
    const destination = attributes.get(RTA_DST);
    const gateway = attributes.get(RTA_GATEWAY);
    found.push({
      destination: destination && formatIp(destination),
      prefix: body.readUInt8(1),
      gateway: gateway && formatIp(gateway),
      link: attributes.get(RTA_OIF)?.readUInt32LE(0) ?? 0,
      table: attributes.get(RTA_TABLE)?.readUInt32LE(0) ?? body.readUInt8(4),
    });
  }
  return found;
}

/** struct rtmsg of a unicast route in the main table. */
function routeHeader(family: number): Buffer {
  const header = Buffer.alloc(RTMSG_LENGTH);
  header.writeUInt8(family, 0);
  header.writeUInt8(MAIN_TABLE, 4);
  header.writeUInt8(RTPROT_BOOT, 5);
  header.writeUInt8(RT_SCOPE_UNIVERSE, 6);
  header.writeUInt8(RTN_UNICAST, 7);
  return header;
}

/** IPv6 addresses skip duplicate address detection, which would keep them unusable for a second. */
function addressBody(link: number, address: string, prefix: number): Buffer {
  const bytes = addressBytes(address);
  const header = Buffer.alloc(IFADDR_LENGTH);
  header.writeUInt8(family(bytes), 0);
  header.writeUInt8(prefix, 1);
  if (bytes.length === 16) header.writeUInt8(IFA_F_NODAD, 2);
  header.writeUInt32LE(link, 4);
  const attributes = [attribute(IFA_LOCAL, bytes), attribute(IFA_ADDRESS, bytes)];
  if (bytes.length === 4 && prefix < 31) attributes.push(attribute(IFA_BROADCAST, broadcast(bytes, prefix)));
  return Buffer.concat([header, ...attributes]);
}

function broadcast(bytes: Buffer, prefix: number): Buffer {
  const last = Buffer.alloc(4);
  last.writeUInt32BE((bytes.readUInt32BE(0) | (0xffffffff >>> prefix)) >>> 0);
  return last;
}

function addressBytes(address: string): Buffer {
  const bytes = parseIp(address);
  if (!bytes) throw new TypeError(`${address} is not an IP address`);
  return bytes;
}

function family(bytes: Buffer): number {
  return bytes.length === 4 ? AF_INET : AF_INET6;
}
