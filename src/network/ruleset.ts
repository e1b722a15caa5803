import { EVERY_IPV4, isIpv6, type PublishedPort, type TransportProtocol } from './published-port.ts';

/**
 * The text of our nft table. Nothing outside `inet wherry` is ever touched. Published ports are elements of two maps,
 * so that a container coming or going changes elements, never rules.
 */

/** A bridge as the rules see it. */
export interface BridgeRules {
  link: string;
  /** CIDR */
  subnet: string;
  masquerade: boolean;
  /** Nothing passes between it and other links. */
  internal: boolean;
  /** Whoever is on it may reach its neighbours. */
  icc: boolean;
}

/** A port of a container that one of its neighbours may reach where others may not. */
export interface LinkedPort {
  from: string;
  to: string;
  protocol: TransportProtocol;
  port: number;
}

export const TABLE = 'inet wherry';

/** Numbers, since the names need a file (/etc/protocols) that small hosts do not have. */
export const PROTOCOL_NUMBERS: Record<TransportProtocol, number> = { tcp: 6, udp: 17, sctp: 132 };

/** nft reads a transaction whole; this many elements of text stay well below the launcher's largest message. */
const ELEMENTS_PER_TRANSACTION = 5000;

/**
 * Transactions that put the whole table in place of whatever was there; the first is complete but for published ports.
 */
export function replaceTable(bridges: BridgeRules[], links: LinkedPort[], published: PublishedPort[]): string[] {
  const fresh = `add table ${TABLE}\ndelete table ${TABLE}\n${tableText(bridges)}${replaceLinks(links)}`;
  const [first, ...rest] = chunks(published, ELEMENTS_PER_TRANSACTION);
  return [fresh + changeElements('add', first ?? []), ...rest.map((part) => changeElements('add', part))];
}

/** Commands that add or delete elements; empty when there are none. Ports on IPv6 addresses are no matter of nft. */
export function changeElements(verb: 'add' | 'delete', ports: PublishedPort[]): string {
  const everywhere = ports.filter(({ hostAddress }) => hostAddress === EVERY_IPV4);
  const somewhere = ports.filter((port) => port.hostAddress !== EVERY_IPV4 && !isIpv6(port));
  return elementCommand(verb, 'published', everywhere) + elementCommand(verb, 'published_at', somewhere);
}

/** One published port as nft writes it: `6 . 8080 : 172.17.0.2 . 80`. */
export function elementText(port: PublishedPort): string {
  const { protocol, hostAddress, hostPort, containerAddress, containerPort } = port;
  const address = hostAddress === EVERY_IPV4 ? '' : `${hostAddress} . `;
  return `${PROTOCOL_NUMBERS[protocol]} . ${address}${hostPort} : ${containerAddress} . ${containerPort}`;
}

/** Commands that make these the links that there are. */
export function replaceLinks(links: LinkedPort[]): string {
  const elements = links.length > 0 ? `add element ${TABLE} links { ${links.map(linkText).join(', ')} }\n` : '';
  return `flush set ${TABLE} links\n${elements}`;
}

/** One linked port as nft writes it: `172.17.0.2 . 172.17.0.3 . 6 . 5432`. */
export function linkText({ from, to, protocol, port }: LinkedPort): string {
  return `${from} . ${to} . ${PROTOCOL_NUMBERS[protocol]} . ${port}`;
}

/** How many rules the whole table has; fewer means that somebody removed some. */
export function countRules(bridges: BridgeRules[]): number {
  return chains(bridges).reduce((sum, { rules }) => sum + rules.length, 0);
}

interface Chain {
  name: string;
  /** Absent for chains that others jump to. */
  hook?: string;
  rules: string[];
}

function tableText(bridges: BridgeRules[]): string {
  const names = bridges.map(({ link }) => `"${link}"`);
  const sets = [
    'map published { type inet_proto . inet_service : ipv4_addr . inet_service; }',
    'map published_at { type inet_proto . ipv4_addr . inet_service : ipv4_addr . inet_service; }',
    'set links { type ipv4_addr . ipv4_addr . inet_proto . inet_service; }',
    `set bridges { type ifname; ${names.length > 0 ? `elements = { ${names.join(', ')} }` : ''} }`,
  ];
  return `table ${TABLE} {\n${[...sets, ...chains(bridges).map(chainText)].join('\n')}\n}\n`;
}

function chainText({ name, hook, rules }: Chain): string {
  const head = hook === undefined ? [] : [`type ${hook}; policy accept;`];
  return `chain ${name} {\n${[...head, ...rules].join('\n')}\n}`;
}

function chains(bridges: BridgeRules[]): Chain[] {
  return [
    { name: 'loopback', hook: 'filter hook prerouting priority raw', rules: LOOPBACK_RULES },
    { name: 'prerouting', hook: 'nat hook prerouting priority dstnat', rules: ['fib daddr type local jump publish'] },
    { name: 'output', hook: 'nat hook output priority -100', rules: ['fib daddr type local jump publish'] },
    { name: 'publish', rules: PUBLISH_RULES },
    { name: 'postrouting', hook: 'nat hook postrouting priority srcnat', rules: masqueradeRules(bridges) },
    { name: 'forward', hook: 'filter hook forward priority filter', rules: forwardRules(bridges) },
    { name: 'inbound', rules: inboundRules(bridges) },
  ];
}

/** Bridges route 127.0.0.0/8 (route_localnet); nobody outside may use that to reach the host's own services. */
const LOOPBACK_RULES = ['iifname != "lo" ip daddr 127.0.0.0/8 drop', 'iifname != "lo" ip saddr 127.0.0.0/8 drop'];

const PUBLISH_RULES = [
  'dnat ip to meta l4proto . ip daddr . th dport map @published_at',
  'dnat ip to meta l4proto . th dport map @published',
];

/** Whoever is on an internal bridge gets no further than the bridge. */
function forwardRules(bridges: BridgeRules[]): string[] {
  const internal = bridges.filter((bridge) => bridge.internal);
  const confined = internal.map(
    ({ link }) => `iifname "${link}" oifname != "${link}" reject with icmpx admin-prohibited`,
  );
  return [...confined, 'oifname @bridges jump inbound'];
}

/** What may go to a container: replies, what was published, its neighbours on the same bridge, or those with a link. */
function inboundRules(bridges: BridgeRules[]): string[] {
  const open = bridges.filter(({ icc }) => icc);
  return [
    'ct state established,related accept',
    'ct status dnat accept',
    ...open.map(({ link }) => `iifname "${link}" oifname "${link}" accept`),
    'ip saddr . ip daddr . meta l4proto . th dport @links accept',
    'meta l4proto tcp reject with tcp reset',
    'reject with icmpx admin-prohibited',
  ];
}

/** A neighbour that comes by the host's address (hairpin) must get its replies by the host too. */
function masqueradeRules(bridges: BridgeRules[]): string[] {
  const rules = ['oifname @bridges ip saddr 127.0.0.0/8 masquerade'];
  for (const { link, subnet, masquerade } of bridges) {
    rules.push(`oifname "${link}" ip saddr ${subnet} ct status dnat masquerade`);
    if (masquerade) rules.push(`oifname != "${link}" ip saddr ${subnet} masquerade`);
  }
  return rules;
}

function elementCommand(verb: 'add' | 'delete', map: string, ports: PublishedPort[]): string {
  if (ports.length === 0) return '';
  return `${verb} element ${TABLE} ${map} { ${ports.map(elementText).join(', ')} }\n`;
}

function chunks<T>(items: T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
