/** IP addresses as bytes (4 or 16, network order) and IPv4 blocks as numbers. */

export interface Ipv4Block {
  /** First address of the block. */
  network: number;
  /** Length of the prefix, 0-32. */
  prefix: number;
}

/** No leading zeros: they mean octal to some and nothing to others. */
const IPV4 = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;

/** 4 or 16 bytes, or undefined when the text is no address (zones such as `%eth0` are not addresses). */
export function parseIp(text: string): Buffer | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4Bytes(text);
}

/** The canonical text (RFC 5952 for IPv6) of 4 or 16 bytes. */
export function formatIp(bytes: Uint8Array): string {
  return bytes.length === 4 ? bytes.join('.') : formatIpv6(bytes);
}

/** `172.17.0.1` -> 2886795265, or undefined when the text is no IPv4 address. */
export function parseIpv4(text: string): number | undefined {
  return parseIpv4Bytes(text)?.readUInt32BE(0);
}

export function formatIpv4(address: number): string {
  return [address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255].join('.');
}

/** `172.17.0.1/16` -> the address as written and the block around it; undefined when the text is no IPv4 CIDR. */
export function parseIpv4Cidr(text: string): { address: number; block: Ipv4Block } | undefined {
  const match = /^([\d.]+)\/(\d{1,2})$/.exec(text);
  const address = match ? parseIpv4(match[1]!) : undefined;
  const prefix = Number(match?.[2]);
  if (address === undefined || prefix > 32) return undefined;
  return { address, block: ipv4Block(address, prefix) };
}

/** The block of the given prefix length that contains the address. */
export function ipv4Block(address: number, prefix: number): Ipv4Block {
  return { network: (address & ipv4Mask(prefix)) >>> 0, prefix };
}

/** Last address of a block (its broadcast address). */
export function lastIpv4(block: Ipv4Block): number {
  return (block.network | ~ipv4Mask(block.prefix)) >>> 0;
}

export function blockContains(block: Ipv4Block, address: number): boolean {
  return (address & ipv4Mask(block.prefix)) >>> 0 === block.network;
}

/** Two blocks overlap when the wider one contains the start of the other. */
export function blocksOverlap(a: Ipv4Block, b: Ipv4Block): boolean {
  return a.prefix <= b.prefix ? blockContains(a, b.network) : blockContains(b, a.network);
}

export function formatBlock(block: Ipv4Block): string {
  return `${formatIpv4(block.network)}/${block.prefix}`;
}

function ipv4Mask(prefix: number): number {
  return prefix === 0 ? 0 : -1 << (32 - prefix);
}

function parseIpv4Bytes(text: string): Buffer | undefined {
  const bytes = IPV4.exec(text)?.slice(1).map(Number);
  return bytes?.every((byte) => byte <= 255) ? Buffer.from(bytes) : undefined;
}

/** RFC 4291, section 2.2: groups, one `::`, and an IPv4 address in place of the last two groups. */
function parseIpv6(text: string): Buffer | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => (half === '' ? [] : parseGroups(half)));
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const bytes = Buffer.alloc(16);
  for (const [index, group] of head.entries()) bytes.writeUInt16BE(group, index * 2);
  for (const [index, group] of (tail ?? []).entries()) bytes.writeUInt16BE(group, (head.length + missing + index) * 2);
  return bytes;
}

function parseGroups(text: string): number[] | undefined {
  const parts = text.split(':');
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    const dotted = index === parts.length - 1 && part.includes('.') ? parseIpv4Bytes(part) : undefined;
    if (dotted) groups.push(dotted.readUInt16BE(0), dotted.readUInt16BE(2));
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

function formatIpv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, index) => (bytes[index * 2]! << 8) | bytes[index * 2 + 1]!);
  const zeros = longestZeroRun(groups);
  const text = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  return zeros.length < 2 ? text(0, 8) : `${text(0, zeros.start)}::${text(zeros.start + zeros.length, 8)}`;
}

function longestZeroRun(groups: number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}
