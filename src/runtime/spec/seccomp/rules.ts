import type { OciSyscallArgument } from '../oci.ts';

/**
 * A system call that is allowed only under conditions. All conditions that are given must hold.
 */
export interface ConditionalRule {
  allow: readonly string[];
  /** The container has this capability. */
  capability?: string;
  /** The container lacks this capability. */
  withoutCapability?: string;
  /** The machine is one of these (OCI's names: amd64, arm64, ...). */
  machines?: readonly string[];
  notMachines?: readonly string[];
  /** At least this kernel. */
  kernel?: readonly [major: number, minor: number];
  /** The call's arguments are these. */
  args?: readonly OciSyscallArgument[];
}

/** CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET: a clone without these makes no namespace. */
const NEW_NAMESPACES = 0x7e020000;

/** personality(2): PER_LINUX, PER_LINUX32, each with UNAME26, and "tell me mine". */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];

/** socket(2)'s family for talking to the hypervisor: it would reach the host past all network namespaces. */
const AF_VSOCK = 40;

const NAMESPACES_AND_MOUNTS =
  'bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules ' +
  'lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname ' +
  'sethostname setns syslog umount umount2 unshare';

export const CONDITIONAL_RULES: readonly ConditionalRule[] = [
  { allow: ['process_vm_readv', 'process_vm_writev', 'ptrace'], kernel: [4, 8] },
  { allow: ['socket'], args: [{ index: 0, value: AF_VSOCK, op: 'SCMP_CMP_NE' }] },
  ...PERSONALITIES.map((value) => ({ allow: ['personality'], args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }] })),

  { allow: ['sync_file_range2', 'swapcontext'], machines: ['ppc64le'] },
  {
    allow: ['arm_fadvise64_64', 'arm_sync_file_range', 'sync_file_range2', 'breakpoint', 'cacheflush', 'set_tls'],
    machines: ['arm', 'arm64'],
  },
  { allow: ['arch_prctl'], machines: ['amd64', 'x32'] },
  { allow: ['modify_ldt'], machines: ['amd64', 'x32', 'x86'] },
  { allow: ['s390_pci_mmio_read', 's390_pci_mmio_write', 's390_runtime_instr'], machines: ['s390', 's390x'] },
  { allow: ['riscv_flush_icache'], machines: ['riscv64'] },

  { allow: ['open_by_handle_at'], capability: 'CAP_DAC_READ_SEARCH' },
  { allow: NAMESPACES_AND_MOUNTS.split(' '), capability: 'CAP_SYS_ADMIN' },
  {
    allow: ['clone'],
    withoutCapability: 'CAP_SYS_ADMIN',
    notMachines: ['s390', 's390x'],
    args: [{ index: 0, value: NEW_NAMESPACES, op: 'SCMP_CMP_MASKED_EQ' }],
  },
  {
    allow: ['clone'],
    withoutCapability: 'CAP_SYS_ADMIN',
    machines: ['s390', 's390x'],
    args: [{ index: 1, value: NEW_NAMESPACES, op: 'SCMP_CMP_MASKED_EQ' }],
  },
  { allow: ['reboot'], capability: 'CAP_SYS_BOOT' },
  { allow: ['chroot'], capability: 'CAP_SYS_CHROOT' },
  { allow: ['delete_module', 'init_module', 'finit_module'], capability: 'CAP_SYS_MODULE' },
  { allow: ['acct'], capability: 'CAP_SYS_PACCT' },
  {
    allow: ['kcmp', 'pidfd_getfd', 'process_madvise', 'process_vm_readv', 'process_vm_writev', 'ptrace'],
    capability: 'CAP_SYS_PTRACE',
  },
  { allow: ['iopl', 'ioperm'], capability: 'CAP_SYS_RAWIO' },
  { allow: ['settimeofday', 'stime', 'clock_settime', 'clock_settime64'], capability: 'CAP_SYS_TIME' },
  { allow: ['vhangup'], capability: 'CAP_SYS_TTY_CONFIG' },
  { allow: ['get_mempolicy', 'mbind', 'set_mempolicy', 'set_mempolicy_home_node'], capability: 'CAP_SYS_NICE' },
  { allow: ['syslog'], capability: 'CAP_SYSLOG' },
  { allow: ['bpf'], capability: 'CAP_BPF' },
  { allow: ['perf_event_open'], capability: 'CAP_PERFMON' },
];
