import {
  attribute,
  attributeText,
  NETLINK_HEADER_LENGTH,
  type NetlinkMessage,
  type NetlinkReply,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_EXCL,
  readAttributes,
} from './netlink.ts';

/** Messages about network interfaces (rtnetlink(7), linux/if_link.h). */
export interface Link {
  index: number;
  name: string;
  /** `bridge`, `veth`, ...; empty for what has no kind, such as physical devices. */
  kind: string;
  up: boolean;
  mtu: number;
  /** Hardware address, `02:42:ac:11:00:02`. */
  mac: string;
  /** Index of the bridge it belongs to, 0 = none. */
  master: number;
  /** Index of the other end (of a veth: in the other end's namespace), 0 = none. */
  peer: number;
}

export interface VethPair {
  name: string;
  mtu: number;
  /** Index of the bridge for the near end. */
  master: number;
  /** The far end, in another namespace; the namespace's descriptor number is filled in when the message is sent. */
  peer: { name: string; mac: string };
}

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const IFF_UP = 1;
const IFINFO_LENGTH = 16;

const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINK = 5;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_AF_SPEC = 26;
const IFLA_NET_NS_FD = 28;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_INFO_SLAVE_KIND = 4;
const IFLA_INFO_SLAVE_DATA = 5;
const IFLA_BRPORT_MODE = 4;
const IFLA_BRPORT_ISOLATED = 33;
const VETH_INFO_PEER = 1;
const AF_INET6 = 10;
const IFLA_INET6_ADDR_GEN_MODE = 8;
const IN6_ADDR_GEN_MODE_NONE = 1;

/** Creates a bridge, down; EEXIST when the name is taken. */
export function createBridge(name: string, options: { mtu: number; mac: string }): NetlinkMessage {
  const attributes = [
    attribute(IFLA_IFNAME, name),
    attribute(IFLA_MTU, options.mtu),
    attribute(IFLA_ADDRESS, parseMac(options.mac)),
    attribute(IFLA_LINKINFO, [attribute(IFLA_INFO_KIND, 'bridge')]),
  ];
  return newLink(`create the bridge ${name}`, attributes, { flags: NLM_F_CREATE | NLM_F_EXCL });
}

/**
 * Creates a veth pair, both ends down: the near one in a bridge, the far one in another namespace. When the message
 * is the first of its request, `descriptorOffset` is where the number of that namespace's descriptor goes.
 */
export function createVeth(pair: VethPair): { message: NetlinkMessage; descriptorOffset: number } {
  const descriptor = attribute(IFLA_NET_NS_FD, 0);
  const peer = Buffer.concat([
    interfaceHeader(false),
    attribute(IFLA_IFNAME, pair.peer.name),
    attribute(IFLA_MTU, pair.mtu),
    attribute(IFLA_ADDRESS, parseMac(pair.peer.mac)),
    descriptor,
  ]);
  const attributes = [
    attribute(IFLA_IFNAME, pair.name),
    attribute(IFLA_MTU, pair.mtu),
    attribute(IFLA_MASTER, pair.master),
    attribute(IFLA_LINKINFO, [
      attribute(IFLA_INFO_KIND, 'veth'),
      attribute(IFLA_INFO_DATA, [attribute(VETH_INFO_PEER, peer)]),
    ]),
  ];
  const message = newLink(`create the veth ${pair.name}`, attributes, { flags: NLM_F_CREATE | NLM_F_EXCL });
  return { message, descriptorOffset: NETLINK_HEADER_LENGTH + message.body.length - 4 };
}

export function setLinkUp(name: string): NetlinkMessage {
  return newLink(`bring ${name} up`, [attribute(IFLA_IFNAME, name)], { up: true });
}

/** A link that is still down gets no link-local IPv6 address when it comes up. Fine where IPv6 is switched off. */
export function withoutLinkLocal(name: string): NetlinkMessage {
  const inet6 = attribute(AF_INET6, [attribute(IFLA_INET6_ADDR_GEN_MODE, Buffer.of(IN6_ADDR_GEN_MODE_NONE))]);
  const attributes = [attribute(IFLA_IFNAME, name), attribute(IFLA_AF_SPEC, [inet6])];
  return { ...newLink(`keep ${name} without link-local addresses`, attributes), accept: ['EAFNOSUPPORT'] };
}

/**
 * Sets how a bridge treats one of its ports: `hairpin` lets a frame leave by the port it came in by, and frames
 * between two isolated ports are not forwarded.
 */
export function configurePort(name: string, options: { hairpin: boolean; isolated: boolean }): NetlinkMessage {
  const data = attribute(IFLA_INFO_SLAVE_DATA, [
    attribute(IFLA_BRPORT_MODE, Buffer.of(Number(options.hairpin))),
    attribute(IFLA_BRPORT_ISOLATED, Buffer.of(Number(options.isolated))),
  ]);
  const info = attribute(IFLA_LINKINFO, [attribute(IFLA_INFO_SLAVE_KIND, 'bridge'), data]);
  return newLink(`configure the bridge port ${name}`, [attribute(IFLA_IFNAME, name), info]);
}

export function setMac(name: string, mac: string): NetlinkMessage {
  const attributes = [attribute(IFLA_IFNAME, name), attribute(IFLA_ADDRESS, parseMac(mac))];
  return newLink(`give ${name} the hardware address ${mac}`, attributes);
}

export function setMtu(name: string, mtu: number): NetlinkMessage {
  const attributes = [attribute(IFLA_IFNAME, name), attribute(IFLA_MTU, mtu)];
  return newLink(`set the MTU of ${name} to ${mtu}`, attributes);
}

export function deleteLink(name: string): NetlinkMessage {
  const body = Buffer.concat([interfaceHeader(false), attribute(IFLA_IFNAME, name)]);
  return { type: RTM_DELLINK, body, purpose: `delete the link ${name}`, accept: ['ENODEV'] };
}

/** Answered by one reply for `readLinks`; ENODEV when there is no such link. */
export function getLink(name: string): NetlinkMessage {
  const body = Buffer.concat([interfaceHeader(false), attribute(IFLA_IFNAME, name)]);
  return { type: RTM_GETLINK, body, purpose: `look up the link ${name}` };
}

export function dumpLinks(): NetlinkMessage {
  return { type: RTM_GETLINK, flags: NLM_F_DUMP, body: interfaceHeader(false), purpose: 'list the links' };
}

export function readLinks(replies: NetlinkReply[]): Link[] {
  return replies.filter((reply) => reply.type === RTM_NEWLINK && reply.body.length >= IFINFO_LENGTH).map(readLink);
}

/** `02:42:ac:11:00:02` -> six bytes; the caller has checked the text. */
export function parseMac(mac: string): Buffer {
  return Buffer.from(mac.replaceAll(/[:-]/g, ''), 'hex');
}

function readLink({ body }: NetlinkReply): Link {
  const attributes = readAttributes(body, IFINFO_LENGTH);
  const info = readAttributes(attributes.get(IFLA_LINKINFO) ?? Buffer.alloc(0));
  return {
    index: body.readInt32LE(4),
    name: attributeText(attributes.get(IFLA_IFNAME) ?? Buffer.alloc(0)),
    kind: attributeText(info.get(IFLA_INFO_KIND) ?? Buffer.alloc(0)),
    up: (body.readUInt32LE(8) & IFF_UP) !== 0,
    mtu: attributes.get(IFLA_MTU)?.readUInt32LE(0) ?? 0,
    mac: [...(attributes.get(IFLA_ADDRESS) ?? [])].map((byte) => byte.toString(16).padStart(2, '0')).join(':'),
    master: attributes.get(IFLA_MASTER)?.readUInt32LE(0) ?? 0,
    peer: attributes.get(IFLA_LINK)?.readUInt32LE(0) ?? 0,
  };
}

function newLink(
  purpose: string,
  attributes: Buffer[],
  options: { up?: boolean; flags?: number } = {},
): NetlinkMessage {
  const body = Buffer.concat([interfaceHeader(options.up ?? false), ...attributes]);
  return { type: RTM_NEWLINK, flags: options.flags ?? 0, body, purpose };
}

/** struct ifinfomsg without an index: the name attribute says which link. */
function interfaceHeader(up: boolean): Buffer {
  const header = Buffer.alloc(IFINFO_LENGTH);
  if (up) {
    header.writeUInt32LE(IFF_UP, 8);
    header.writeUInt32LE(IFF_UP, 12);
  }
  return header;
}
