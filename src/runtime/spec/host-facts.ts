import { access, readFile } from 'node:fs/promises';
import { arch, availableParallelism, release } from 'node:os';
import { describe, invalid } from '#errors/errors.ts';
import { capabilitiesOfMask } from './capabilities.ts';
import { parseProfile } from './seccomp/profile-file.ts';

/** What the machine contributes to a specification. Read once, at start. */
export interface HostFacts {
  /** `x64`, `arm64`, ... as `process.arch`. */
  arch: string;
  cpuCount: number;
  kernel: KernelVersion;
  /** False when the kernel has no seccomp filters: the profile is then left out. */
  seccomp: boolean;
  apparmor: boolean;
  /** The capabilities that the engine can give: those of its own bounding set. */
  capabilities: readonly string[];
  /** `unconfined` or a profile as JSON, when the administrator replaced the built-in one. */
  seccompProfile?: string;
}

export type KernelVersion = readonly [major: number, minor: number];

/**
 * Looks the facts up in /proc and /sys. `seccompProfile` is the engine's setting: `builtin`, `unconfined`, or a file.
 * Throws `invalid` for a file that cannot be read or is no profile.
 */
export async function readHostFacts(seccompProfile = 'builtin'): Promise<HostFacts> {
  const status = await readFile('/proc/self/status', 'utf8');
  const field = (name: string) => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1];
  return {
    arch: arch(),
    cpuCount: availableParallelism(),
    kernel: parseKernelVersion(release()),
    seccomp: field('Seccomp') !== undefined,
    apparmor: await exists('/sys/kernel/security/apparmor'),
    capabilities: capabilitiesOfMask(field('CapBnd') ?? '0'),
    seccompProfile: await readProfile(seccompProfile),
  };
}

/** `6.12.3-amd64` -> `[6, 12]`; what cannot be read counts as 0. */
export function parseKernelVersion(text: string): KernelVersion {
  const match = /^(\d+)\.(\d+)/.exec(text);
  return match ? [Number(match[1]), Number(match[2])] : [0, 0];
}

async function readProfile(setting: string): Promise<string | undefined> {
  if (setting === 'builtin' || setting === '') return undefined;
  if (setting === 'unconfined') return setting;
  try {
    const text = await readFile(setting, 'utf8');
    parseProfile(text);
    return text;
  } catch (cause) {
    throw invalid(`cannot use the seccomp profile ${setting}: ${describe(cause)}`, { cause });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
