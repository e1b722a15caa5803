import { attribute, type NetlinkMessage } from './netlink.ts';

/** Messages about tracked connections (linux/netfilter/nfnetlink_conntrack.h). */
const NFNL_SUBSYS_CTNETLINK = 1;
const IPCTNL_MSG_CT_DELETE = (NFNL_SUBSYS_CTNETLINK << 8) | 2;
const AF_INET = 2;
/** With version 0 the kernel ignores the family. */
const NFGENMSG_VERSION = 1;

const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_PROTO_NUM = 1;
const CTA_PROTO_DST_PORT = 3;
const CTA_FILTER = 25;
const CTA_FILTER_ORIG_FLAGS = 1;
/** Which parts of the tuple count (net/netfilter/nf_internals.h). */
const MATCH_PROTOCOL = 1 << 3;
const MATCH_DESTINATION_PORT = 1 << 5;
const NLA_F_NESTED = 0x8000;

/**
 * Forgets the IPv4 flows of a protocol that were sent to a port, so that their next packet is looked at afresh. Kernels
 * that cannot delete by filter refuse; that is accepted.
 */
export function forgetFlows(protocol: number, destinationPort: number): NetlinkMessage {
  const port = Buffer.alloc(2);
  port.writeUInt16BE(destinationPort);
  const proto = [attribute(CTA_PROTO_NUM, Buffer.of(protocol)), attribute(CTA_PROTO_DST_PORT, port)];
  const body = Buffer.concat([
    Buffer.of(AF_INET, NFGENMSG_VERSION, 0, 0),
    attribute(CTA_TUPLE_ORIG | NLA_F_NESTED, [attribute(CTA_TUPLE_PROTO | NLA_F_NESTED, proto)]),
    attribute(CTA_FILTER | NLA_F_NESTED, [attribute(CTA_FILTER_ORIG_FLAGS, MATCH_PROTOCOL | MATCH_DESTINATION_PORT)]),
  ]);
  const accept = ['EINVAL', 'ENOENT', 'EOPNOTSUPP'];
  return { type: IPCTNL_MSG_CT_DELETE, body, purpose: `forget the flows to port ${destinationPort}`, accept };
}
