import { BlockList, isIP } from 'node:net';

/** `host`, `host:port`, `[v6]:port` -> its parts; the port is '' when it is left out. */
export function splitHost(text: string): { host: string; port: string } {
  const match = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(text);
  return match ? { host: match[1] ?? match[2]!, port: match[3] ?? '' } : { host: text, port: '' };
}

/** 127.0.0.0/8, ::1 and `localhost`: what is said to them does not leave the machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || isInBlock(host, '127.0.0.0/8') || host === '::1';
}

/** Whether the address `host` lies in the CIDR block; false for names and for what is no block. */
export function isInBlock(host: string, cidr: string): boolean {
  const [network = '', prefix = ''] = cidr.split('/');
  const version = isIP(host);
  if (version === 0 || isIP(network) !== version || !/^\d{1,3}$/.test(prefix)) return false;
  if (Number(prefix) > (version === 4 ? 32 : 128)) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const block = new BlockList();
  block.addSubnet(network, Number(prefix), family);
  return block.check(host, family);
}
