import { invalid } from '#errors/errors.ts';
import type { OciSeccomp, OciSyscall, OciSyscallArgument } from '../oci.ts';
import { machineOf, seccompArchitecture } from './architecture.ts';
import { atLeast, type SeccompConditions } from './profile.ts';
import { type ProfileFile, type ProfileRule, parseProfile } from './profile-file.ts';

/** Reads a user's profile and decides its conditions. Throws `invalid`, where Docker has words for it in these. */
export function customProfile(json: string, conditions: SeccompConditions): OciSeccomp {
  const file = parseProfile(json);
  const architectures = architecturesOf(file, conditions.arch);
  const syscalls = (file.syscalls ?? []).filter((rule) => wanted(rule, conditions)).map(ociRule);
  return {
    defaultAction: file.defaultAction,
    ...(typeof file.defaultErrnoRet === 'number' && { defaultErrnoRet: file.defaultErrnoRet }),
    ...(architectures.length > 0 && { architectures }),
    ...(file.flags?.length && { flags: file.flags }),
    ...(file.listenerPath && { listenerPath: file.listenerPath }),
    ...(file.listenerMetadata && { listenerMetadata: file.listenerMetadata }),
    ...(syscalls.length > 0 && { syscalls }),
  };
}

function architecturesOf(file: ProfileFile, arch: string): string[] {
  if (!file.archMap?.length) return file.architectures ?? [];
  if (file.architectures?.length) {
    throw invalid(
      "both 'architectures' and 'archMap' are specified in the seccomp profile, use either 'architectures' or 'archMap'",
    );
  }
  const own = seccompArchitecture(arch);
  const entry = file.archMap.find(({ architecture }) => architecture === own);
  return entry ? [entry.architecture, ...(entry.subArchitectures ?? [])] : [];
}

/** True when a rule's conditions hold on this machine for this container. */
function wanted({ includes, excludes }: ProfileRule, conditions: SeccompConditions): boolean {
  const machine = machineOf(conditions.arch);
  const reached = (kernel: string) => atLeast(conditions.kernel, kernelVersion(kernel));
  return !(
    excludes?.arches?.includes(machine) ||
    excludes?.caps?.some((name) => conditions.capabilities.has(name)) ||
    (excludes?.minKernel && reached(excludes.minKernel)) ||
    (includes?.arches?.length && !includes.arches.includes(machine)) ||
    !(includes?.caps ?? []).every((name) => conditions.capabilities.has(name)) ||
    (includes?.minKernel && !reached(includes.minKernel))
  );
}

function kernelVersion(text: string): [number, number] {
  const match = /^(\d+)\.(\d+)$/.exec(text);
  if (!match) throw invalid(`Decoding seccomp profile failed: invalid kernel version: ${text}`, { hint: 'As in 4.8.' });
  return [Number(match[1]), Number(match[2])];
}

function ociRule(rule: ProfileRule): OciSyscall {
  if (rule.name && rule.names?.length) {
    throw invalid("both 'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'");
  }
  return {
    names: rule.name ? [rule.name] : (rule.names ?? []),
    action: rule.action,
    ...(typeof rule.errnoRet === 'number' && { errnoRet: rule.errnoRet }),
    ...(rule.args?.length && { args: rule.args.map(ociArgument) }),
  };
}

function ociArgument({ index, value, valueTwo, op }: OciSyscallArgument): OciSyscallArgument {
  return { index, value, ...(valueTwo && { valueTwo }), op };
}
