import type { KernelVersion } from '../host-facts.ts';
import type { OciSeccomp, OciSyscall } from '../oci.ts';
import { machineOf, seccompArchitectures } from './architecture.ts';
import { CONDITIONAL_RULES, type ConditionalRule } from './rules.ts';
import { ALWAYS_ALLOWED } from './syscalls.ts';

const EPERM = 1;
const ENOSYS = 38;

/** What a profile's conditions are decided by. */
export interface SeccompConditions {
  capabilities: ReadonlySet<string>;
  /** `process.arch` */
  arch: string;
  kernel: KernelVersion;
}

/** The built-in profile for one container: what is not allowed fails with EPERM. */
export function defaultProfile(conditions: SeccompConditions): OciSeccomp {
  const conditional = CONDITIONAL_RULES.filter((rule) => applies(rule, conditions));
  const unconditional = conditional.filter((rule) => rule.args === undefined).flatMap((rule) => rule.allow);
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: EPERM,
    architectures: seccompArchitectures(conditions.arch),
    syscalls: [
      { names: [...new Set([...ALWAYS_ALLOWED, ...unconditional])], action: 'SCMP_ACT_ALLOW' },
      ...conditional.filter((rule) => rule.args !== undefined).map(withArguments),
      ...cloneFallback(conditions),
    ],
  };
}

/**
 * clone3 hides its flags behind a pointer that a filter cannot follow. ENOSYS makes the C library use clone instead,
 * whose flags can be checked.
 */
function cloneFallback({ capabilities }: SeccompConditions): OciSyscall[] {
  if (capabilities.has('CAP_SYS_ADMIN')) return [];
  return [{ names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS }];
}

function withArguments(rule: ConditionalRule): OciSyscall {
  return { names: [...rule.allow], action: 'SCMP_ACT_ALLOW', args: rule.args!.map((argument) => ({ ...argument })) };
}

function applies(rule: ConditionalRule, { capabilities, arch, kernel }: SeccompConditions): boolean {
  const machine = machineOf(arch);
  return (
    (rule.capability === undefined || capabilities.has(rule.capability)) &&
    (rule.withoutCapability === undefined || !capabilities.has(rule.withoutCapability)) &&
    (rule.machines === undefined || rule.machines.includes(machine)) &&
    (rule.notMachines === undefined || !rule.notMachines.includes(machine)) &&
    (rule.kernel === undefined || atLeast(kernel, rule.kernel))
  );
}

export function atLeast(kernel: KernelVersion, needed: KernelVersion): boolean {
  return kernel[0] > needed[0] || (kernel[0] === needed[0] && kernel[1] >= needed[1]);
}
