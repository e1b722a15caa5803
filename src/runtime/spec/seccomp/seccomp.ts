import { invalid } from '#errors/errors.ts';
import type { OciSeccomp } from '../oci.ts';
import { containerCapabilities } from '../process.ts';
import type { SecurityOptions } from '../security-options.ts';
import type { SpecInput } from '../spec-input.ts';
import { customProfile } from './custom-profile.ts';
import { defaultProfile } from './profile.ts';

/**
 * The filter of a container; undefined = none: unconfined, privileged without a profile of its own, or a kernel that has
 * no filters (then a profile that was asked for is refused rather than dropped).
 */
export function seccompFor(input: SpecInput, security: SecurityOptions): OciSeccomp | undefined {
  const { host, hostConfig } = input;
  if (security.seccomp === 'unconfined') return undefined;
  if (!host.seccomp) {
    if (!security.seccomp) return undefined;
    throw invalid('seccomp is not enabled in your kernel, cannot run a custom seccomp profile', {
      hint: 'Run it with --security-opt seccomp=unconfined.',
    });
  }
  if (hostConfig.Privileged && !security.seccomp) return undefined;
  const profile = security.seccomp ?? host.seccompProfile ?? 'builtin';
  if (profile === 'unconfined') return undefined;
  const conditions = {
    capabilities: new Set(containerCapabilities(input)),
    arch: host.arch,
    kernel: host.kernel,
  };
  return profile === 'builtin' ? defaultProfile(conditions) : customProfile(profile, conditions);
}
