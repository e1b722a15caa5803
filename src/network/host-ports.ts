import { access, readFile } from 'node:fs/promises';

/** The ports that the kernel gives to those who ask for any (ip(7), ip_local_port_range), inclusive. */
export async function readEphemeralRange(): Promise<{ first: number; last: number }> {
  const text = await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8');
  const [first, last] = text.trim().split(/\s+/).map(Number);
  return { first: first!, last: last! };
}

/** Whether this kernel has IPv6 at all (`ipv6.disable=1` leaves it out). */
export async function hasIpv6(): Promise<boolean> {
  return await access('/proc/net/if_inet6').then(
    () => true,
    () => false,
  );
}
