import type { Port } from '#api/types/port.ts';

interface Group {
  first: number;
  last: number;
  /** `address:` or empty. */
  address: string;
  protocol: string;
}

/**
 * The PORTS column: consecutive ports that are published under the same numbers, or only exposed, are drawn together:
 * `0.0.0.0:80-82->80-82/tcp`, `53/udp, 80-82/tcp`.
 */
export function formatPorts(ports: Port[]): string {
  const groups = new Map<string, Group>();
  const groupKeys: string[] = [];
  const single: string[] = [];
  const ranges: string[] = [];
  const flush = (key: string) => {
    const group = groups.get(key);
    if (group) ranges.push(groupText(group));
    groups.delete(key);
  };
  for (const port of ports.toSorted(comparePorts)) {
    if (port.IP && port.PublicPort !== port.PrivatePort) {
      single.push(`${addressOf(port)}${port.PublicPort}->${port.PrivatePort}/${port.Type}`);
      continue;
    }
    const address = port.IP ? addressOf(port) : '';
    const key = `${address}${port.Type}`;
    const group = groups.get(key);
    if (group && (port.PrivatePort === group.last + 1 || port.PrivatePort === group.last)) {
      group.last = port.PrivatePort;
      continue;
    }
    flush(key);
    groups.set(key, { first: port.PrivatePort, last: port.PrivatePort, address, protocol: port.Type });
    if (!groupKeys.includes(key)) groupKeys.push(key);
  }
  for (const key of groupKeys) flush(key);
  return [...ranges, ...single].join(', ');
}

const addressOf = (port: Port) => `${port.IP?.includes(':') ? `[${port.IP}]` : port.IP}:`;

function groupText({ first, last, address, protocol }: Group): string {
  const range = first === last ? `${first}` : `${first}-${last}`;
  return address === '' ? `${range}/${protocol}` : `${address}${range}->${range}/${protocol}`;
}

function comparePorts(a: Port, b: Port): number {
  if (a.PrivatePort !== b.PrivatePort) return a.PrivatePort - b.PrivatePort;
  if (a.IP !== b.IP) return (a.IP ?? '') < (b.IP ?? '') ? -1 : 1;
  if (a.PublicPort !== b.PublicPort) return (a.PublicPort ?? 0) - (b.PublicPort ?? 0);
  return a.Type < b.Type ? -1 : a.Type > b.Type ? 1 : 0;
}
