import type { Int64 } from '#api/types/scalar.ts';
import { exact } from './numbers.ts';

/** Nanoseconds of a tick of /proc/stat (USER_HZ is 100). */
export const TICK = 10_000_000;

export interface HostCpu {
  /** Time of all processors since the boot, idle or not. ns */
  system: Int64;
  /** Processors that are on line. */
  online: number;
}

/** What the text of /proc/stat says. Source: proc_stat(5); guest time is part of user time. */
export function parseHostCpu(text: string): HostCpu {
  const processors = text.split('\n').filter((line) => line.startsWith('cpu'));
  const ticks = (processors[0] ?? '').split(/\s+/).slice(1, 8);
  const total = ticks.reduce((sum, value) => sum + BigInt(value), 0n);
  return { system: exact(total * BigInt(TICK)), online: Math.max(processors.length - 1, 0) };
}
