import { invalid } from '#errors/errors.ts';

/** `--security-opt`, taken apart. */
export interface SecurityOptions {
  /** `unconfined`, `builtin`, or a profile as JSON; absent = the engine's default. */
  seccomp?: string;
  noNewPrivileges: boolean;
  apparmor?: string;
  /** SELinux: `disable`, `type:x`, ... */
  labels: string[];
  /** True for `systempaths=unconfined`: nothing is masked and nothing is made read-only. */
  unmasked: boolean;
}

/** Reads the options; both `name=value` and the older `name:value` are accepted. Throws `invalid` for an unknown one. */
export function parseSecurityOptions(options: readonly string[] | null): SecurityOptions {
  const result: SecurityOptions = { noNewPrivileges: false, labels: [], unmasked: false };
  for (const option of options ?? []) readOption(option, result);
  return result;
}

function readOption(option: string, result: SecurityOptions): void {
  if (option === 'no-new-privileges') {
    result.noNewPrivileges = true;
    return;
  }
  if (option === 'disable') {
    result.labels.push(option);
    return;
  }
  const [name, value] = splitOption(option);
  if (name === 'label') result.labels.push(value);
  else if (name === 'apparmor') result.apparmor = value;
  else if (name === 'seccomp') result.seccomp = value;
  else if (name === 'no-new-privileges') result.noNewPrivileges = truth(option, value);
  else if (name === 'systempaths' && value === 'unconfined') result.unmasked = true;
  else throw refuse(option, 2);
}

/** At the first `=`, or else at the first `:`. */
function splitOption(option: string): [name: string, value: string] {
  const at = option.includes('=') ? option.indexOf('=') : option.indexOf(':');
  if (at < 0) throw refuse(option, 1);
  return [option.slice(0, at), option.slice(at + 1)];
}

function truth(option: string, value: string): boolean {
  if (/^(1|t|true)$/i.test(value)) return true;
  if (/^(0|f|false)$/i.test(value)) return false;
  throw refuse(option, 2);
}

/** Docker's words; the number says whether a value was there. */
function refuse(option: string, form: 1 | 2) {
  return invalid(`invalid --security-opt ${form}: ${JSON.stringify(option)}`, {
    hint: 'Known options: seccomp=, apparmor=, label=, no-new-privileges, systempaths=unconfined.',
  });
}
