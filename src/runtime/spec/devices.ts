import { invalid } from '#errors/errors.ts';
import type { OciDevice, OciDeviceRule } from './oci.ts';
import type { ResolvedDevices } from './resolve-devices.ts';
import type { SpecInput } from './spec-input.ts';

const RULE = /^([acb]) ([0-9]+|\*):([0-9]+|\*) ([rwm]{1,3})$/;

/** The device nodes to make besides those that every runtime makes (null, zero, full, tty, random, urandom, ...). */
export function deviceNodes(devices: ResolvedDevices): OciDevice[] {
  const nodes = [...devices.host, ...devices.mapped.map(({ node }) => node)];
  return [...new Map(nodes.map((node) => [node.path, node])).values()];
}

/** Who may open what: nothing, then the harmless character devices, then what was asked for. Later rules win. */
export function deviceRules(input: SpecInput): OciDeviceRule[] {
  if (input.hostConfig.Privileged) return [...DEFAULT_RULES, { allow: true, access: 'rwm' }];
  const mapped = input.devices.mapped.map(({ node, access }) => ({
    allow: true,
    type: node.type,
    major: node.major,
    minor: node.minor,
    access,
  }));
  return [...DEFAULT_RULES, ...mapped, ...(input.hostConfig.DeviceCgroupRules ?? []).map(parseDeviceRule)];
}

/** Reads `c 89:* rwm`. Throws `invalid` in Docker's words. */
export function parseDeviceRule(text: string): OciDeviceRule {
  const match = RULE.exec(text);
  if (!match) {
    throw invalid(`invalid device cgroup rule format: '${text}'`, {
      hint: "A rule is a type (a, b or c), major:minor numbers or *, and letters of rwm, as in 'c 189:* rwm'.",
    });
  }
  const [, type, major, minor, access] = match;
  return { allow: true, type, ...number('major', major!), ...number('minor', minor!), access: access! };
}

const allow = (major: number, minor: number): OciDeviceRule => ({
  allow: true,
  type: 'c',
  major,
  minor,
  access: 'rwm',
});

const DEFAULT_RULES: readonly OciDeviceRule[] = [
  { allow: false, access: 'rwm' },
  allow(1, 5), // zero
  allow(1, 3), // null
  allow(1, 9), // urandom
  allow(1, 8), // random
  allow(5, 0), // tty
  allow(5, 1), // console
  { allow: false, type: 'c', major: 10, minor: 229, access: 'rwm' }, // fuse
];

/** All of them is said by saying nothing: to crun -1, which dockerd writes, is a number. */
function number(name: 'major' | 'minor', text: string): Partial<OciDeviceRule> {
  return text === '*' ? {} : { [name]: Number(text) };
}
