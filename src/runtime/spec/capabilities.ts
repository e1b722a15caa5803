import { invalid } from '#errors/errors.ts';
import type { OciCapabilities } from './oci.ts';

/** Every capability by its number. Source: the kernel's include/uapi/linux/capability.h. */
export const CAPABILITIES: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
];

/** What a container may do when nothing was said, in Docker's order. */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_NET_RAW',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
  'CAP_AUDIT_WRITE',
];

export interface CapabilityRequest {
  add: readonly string[] | null;
  drop: readonly string[] | null;
  privileged: boolean;
  /** The capabilities that the engine itself can give (its bounding set), by number. */
  available: readonly string[];
}

/**
 * The capabilities that a container gets: everything when privileged; with ALL added, everything but the dropped ones;
 * otherwise the default without the dropped ones, then the added ones. Throws `invalid` for an unknown name.
 */
export function effectiveCapabilities(request: CapabilityRequest): string[] {
  const add = normalizeCapabilities(request.add, 'CapAdd', request.available);
  const drop = new Set(normalizeCapabilities(request.drop, 'CapDrop', request.available));
  if (request.privileged) return [...request.available];
  if (add.includes('ALL')) return request.available.filter((name) => !drop.has(name));
  const kept = drop.has('ALL') ? [] : DEFAULT_CAPABILITIES.filter((name) => !drop.has(name));
  return [...new Set([...kept, ...add])];
}

/**
 * Names as the kernel spells them: upper case, with `CAP_`. `ALL` stays.
 * Throws `invalid` for a name that is not among `available`; `field` names the request's field in the message.
 */
export function normalizeCapabilities(
  names: readonly string[] | null,
  field: 'CapAdd' | 'CapDrop',
  available: readonly string[] = CAPABILITIES,
): string[] {
  return (names ?? []).map((given) => {
    const upper = given.toUpperCase();
    if (upper === 'ALL') return upper;
    const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
    if (!CAPABILITIES.includes(name)) throw invalid(`invalid ${field}: unknown capability: "${name}"`);
    if (!available.includes(name)) {
      throw invalid(
        `invalid ${field}: capability not supported by your kernel or not available in the current environment: "${name}"`,
      );
    }
    return name;
  });
}

/** The names in a mask of /proc/PID/status (`CapBnd:` and its like), given as its hexadecimal digits. */
export function capabilitiesOfMask(hexadecimal: string): string[] {
  const mask = BigInt(`0x${hexadecimal.trim()}`);
  return CAPABILITIES.filter((_, number) => ((mask >> BigInt(number)) & 1n) === 1n);
}

/** The same list for the three sets that Docker fills; all absent when the list is empty. */
export function capabilitySets(names: readonly string[]): OciCapabilities {
  if (names.length === 0) return {};
  return { bounding: [...names], effective: [...names], permitted: [...names] };
}
