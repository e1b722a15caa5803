import { containerAnnotations } from './annotations.ts';
import { deviceNodes, deviceRules } from './devices.ts';
import { containerMounts } from './mounts.ts';
import { containerNamespaces } from './namespaces.ts';
import type { OciLinux, OciSpec } from './oci.ts';
import { containerProcess } from './process.ts';
import { cgroupResources } from './resources.ts';
import { seccompFor } from './seccomp/seccomp.ts';
import { parseSecurityOptions, type SecurityOptions } from './security-options.ts';
import type { SpecInput } from './spec-input.ts';
import { containerSysctls } from './sysctls.ts';

/**
 * The OCI configuration of a container, with the defaults of Docker's daemon. Pure: the same input gives the same
 * specification. Throws `invalid` for what is found wrong only here (sysctls, seccomp profiles, tmpfs options).
 */
export function buildSpec(input: SpecInput): OciSpec {
  const security = parseSecurityOptions(input.hostConfig.SecurityOpt);
  return {
    ociVersion: '1.2.0',
    process: containerProcess(input, security),
    root: { path: input.rootfs, ...(input.hostConfig.ReadonlyRootfs && { readonly: true }) },
    ...(input.namespaces.uts !== 'host' && { hostname: input.config.Hostname }),
    mounts: containerMounts(input),
    ...containerAnnotations(input),
    linux: linuxSection(input, security),
  };
}

function linuxSection(input: SpecInput, security: SecurityOptions): OciLinux {
  const { hostConfig } = input;
  const sysctl = containerSysctls(input);
  const devices = deviceNodes(input.devices);
  const seccomp = seccompFor(input, security);
  return {
    ...(Object.keys(sysctl).length > 0 && { sysctl }),
    resources: { devices: deviceRules(input), ...cgroupResources(hostConfig, input.blockIO) },
    cgroupsPath: input.cgroup.cgroupsPath,
    namespaces: containerNamespaces(input.namespaces),
    ...(devices.length > 0 && { devices }),
    ...(seccomp && { seccomp }),
    ...(hostConfig.MaskedPaths?.length && { maskedPaths: hostConfig.MaskedPaths }),
    ...(hostConfig.ReadonlyPaths?.length && { readonlyPaths: hostConfig.ReadonlyPaths }),
    ...rootfsPropagation(input),
  };
}

/** Shared and slave mounts need a root whose own propagation lets them through. */
function rootfsPropagation(input: SpecInput): { rootfsPropagation?: string } {
  const wanted = new Set(input.mounts.map((mount) => mount.propagation));
  if (wanted.has('shared') || wanted.has('rshared')) return { rootfsPropagation: 'shared' };
  if (wanted.has('slave') || wanted.has('rslave')) return { rootfsPropagation: 'rslave' };
  return {};
}
