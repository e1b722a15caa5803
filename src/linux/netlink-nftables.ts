import { type NetlinkMessage, type NetlinkReply, readAttributes } from './netlink.ts';

/** The one nf_tables message that is not said in nft's own language (linux/netfilter/nf_tables.h). */
const NFNL_SUBSYS_NFTABLES = 10;
const NFT_MSG_NEWGEN = (NFNL_SUBSYS_NFTABLES << 8) | 15;
const NFT_MSG_GETGEN = (NFNL_SUBSYS_NFTABLES << 8) | 16;
const NFTA_GEN_ID = 1;
const NFGENMSG_LENGTH = 4;

/** Asks for the generation of the namespace's ruleset, which every transaction of anyone raises by one. */
export function getGeneration(): NetlinkMessage {
  return {
    type: NFT_MSG_GETGEN,
    body: Buffer.alloc(NFGENMSG_LENGTH),
    purpose: 'read the generation of the nft ruleset',
  };
}

/** The generation among the replies; undefined when the kernel gave none. */
export function readGeneration(replies: NetlinkReply[]): number | undefined {
  const reply = replies.find(({ type }) => type === NFT_MSG_NEWGEN);
  return reply && readAttributes(reply.body, NFGENMSG_LENGTH).get(NFTA_GEN_ID)?.readUInt32BE(0);
}
