interface Machine {
  /** The name in profiles (Go's). */
  name: string;
  /** libseccomp's name, and those of the architectures whose programs the machine also runs. */
  seccomp: string;
  compatible: string[];
}

/** By Node's `process.arch`. */
const MACHINES: Readonly<Record<string, Machine>> = {
  x64: { name: 'amd64', seccomp: 'SCMP_ARCH_X86_64', compatible: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] },
  ia32: { name: 'x86', seccomp: 'SCMP_ARCH_X86', compatible: [] },
  arm64: { name: 'arm64', seccomp: 'SCMP_ARCH_AARCH64', compatible: ['SCMP_ARCH_ARM'] },
  arm: { name: 'arm', seccomp: 'SCMP_ARCH_ARM', compatible: [] },
  s390x: { name: 's390x', seccomp: 'SCMP_ARCH_S390X', compatible: ['SCMP_ARCH_S390'] },
  riscv64: { name: 'riscv64', seccomp: 'SCMP_ARCH_RISCV64', compatible: [] },
  ppc64: { name: 'ppc64le', seccomp: 'SCMP_ARCH_PPC64LE', compatible: [] },
};

/** The machine's name in seccomp profiles: `x64` -> `amd64`. */
export function machineOf(arch: string): string {
  return MACHINES[arch]?.name ?? arch;
}

/** libseccomp's name of the machine; undefined for one that we do not know. */
export function seccompArchitecture(arch: string): string | undefined {
  return MACHINES[arch]?.seccomp;
}

/** All architectures that a filter must cover; empty = the runtime's own choice. */
export function seccompArchitectures(arch: string): string[] {
  const machine = MACHINES[arch];
  return machine ? [machine.seccomp, ...machine.compatible] : [];
}
