import { readFileSync } from 'node:fs';
import type { NetworkStats } from '#api/types/stats.ts';
import { errnoCode } from '#errors/errors.ts';
import { integer } from './numbers.ts';

/**
 * The counters of these interfaces in the network namespace of process `pid`, by name; those that are not there are
 * left out. The file is not kept open: that would keep the namespace, too. Source: proc_pid_net(5).
 */
export function readInterfaces(pid: number, names: readonly string[]): Record<string, NetworkStats> {
  if (names.length === 0) return {};
  return parseInterfaces(readDevices(pid), names);
}

function readDevices(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/net/dev`, 'utf8');
  } catch (error) {
    const code = errnoCode(error);
    if (code !== 'ENOENT' && code !== 'ESRCH' && code !== 'EINVAL') throw error;
    return '';
  }
}

/** `name: ` and sixteen counters in each line. */
export function parseInterfaces(text: string, names: readonly string[]): Record<string, NetworkStats> {
  const found: Record<string, NetworkStats> = {};
  for (const line of text.split('\n')) {
    const [name = '', counters] = line.split(':').map((part) => part.trim());
    if (counters === undefined || !names.includes(name)) continue;
    const value = counters.split(/\s+/).map(integer);
    found[name] = {
      rx_bytes: value[0]!,
      rx_packets: value[1]!,
      rx_errors: value[2]!,
      rx_dropped: value[3]!,
      tx_bytes: value[8]!,
      tx_packets: value[9]!,
      tx_errors: value[10]!,
      tx_dropped: value[11]!,
    };
  }
  return found;
}
