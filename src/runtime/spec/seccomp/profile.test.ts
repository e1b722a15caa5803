import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CAPABILITIES, DEFAULT_CAPABILITIES } from '../capabilities.ts';
import type { KernelVersion } from '../host-facts.ts';
import type { OciSeccomp } from '../oci.ts';
import { defaultProfile } from './profile.ts';

interface Published {
  defaultAction: string;
  defaultErrnoRet: number;
  archMap: { architecture: string; subArchitectures: string[] | null }[];
  syscalls: {
    names: string[];
    action: string;
    errnoRet?: number;
    args?: { index: number; value: number; valueTwo?: number; op: string }[];
    includes?: { caps?: string[]; arches?: string[]; minKernel?: string };
    excludes?: { caps?: string[]; arches?: string[] };
  }[];
}

const published: Published = JSON.parse(
  readFileSync(new URL('../fixtures/seccomp-docker-v28.5.json', import.meta.url), 'utf8'),
);

/** What the published profile does, worked out here on its own: one line per system call and condition. */
function publishedVerdicts(capabilities: Set<string>, goArch: string, kernel: KernelVersion): Set<string> {
  const verdicts = new Set<string>();
  for (const { names, action, errnoRet, args, includes = {}, excludes = {} } of published.syscalls) {
    if (includes.caps && !includes.caps.every((name) => capabilities.has(name))) continue;
    if (includes.arches && !includes.arches.includes(goArch)) continue;
    if (excludes.caps?.some((name) => capabilities.has(name)) || excludes.arches?.includes(goArch)) continue;
    const [major, minor] = (includes.minKernel ?? '0.0').split('.').map(Number) as [number, number];
    if (kernel[0] < major || (kernel[0] === major && kernel[1] < minor)) continue;
    for (const name of names) verdicts.add(verdict(name, action, errnoRet, args));
  }
  return verdicts;
}

function ourVerdicts(profile: OciSeccomp): Set<string> {
  return new Set(
    profile.syscalls!.flatMap(({ names, action, errnoRet, args }) =>
      names.map((name) => verdict(name, action, errnoRet, args)),
    ),
  );
}

function verdict(name: string, action: string, errno?: number, args?: object[]): string {
  return JSON.stringify([name, action, errno ?? null, args ?? []]);
}

const MACHINES = { x64: 'amd64', arm64: 'arm64', s390x: 's390x', riscv64: 'riscv64' };

/** The default set, none, all, and each capability alone and taken away. */
function capabilitySets(): Set<string>[] {
  return [
    new Set(DEFAULT_CAPABILITIES),
    new Set<string>(),
    new Set(CAPABILITIES),
    ...CAPABILITIES.map((name) => new Set([name])),
    ...CAPABILITIES.map((name) => new Set([...DEFAULT_CAPABILITIES, name])),
    ...CAPABILITIES.map((name) => new Set(CAPABILITIES.filter((other) => other !== name))),
  ];
}

for (const [arch, goArch] of Object.entries(MACHINES)) {
  test(`the built-in profile allows what Docker's allows, on ${arch}`, () => {
    for (const capabilities of capabilitySets()) {
      for (const kernel of [
        [4, 4],
        [4, 8],
        [6, 12],
      ] as KernelVersion[]) {
        const ours = ourVerdicts(defaultProfile({ capabilities, arch, kernel }));
        const theirs = publishedVerdicts(capabilities, goArch, kernel);
        assert.deepEqual([...ours.symmetricDifference(theirs)], [], `with ${[...capabilities]} on ${kernel}`);
      }
    }
  });

  test(`the filter covers the architectures that ${arch} runs`, () => {
    const profile = defaultProfile({ capabilities: new Set(), arch, kernel: [6, 12] });
    const entry = published.archMap.find(({ architecture }) => architecture === profile.architectures![0])!;
    assert.deepEqual(profile.architectures, [entry.architecture, ...(entry.subArchitectures ?? [])]);
  });
}

test('what is not allowed fails with EPERM', () => {
  const { defaultAction, defaultErrnoRet } = defaultProfile({ capabilities: new Set(), arch: 'x64', kernel: [6, 12] });
  assert.deepEqual([defaultAction, defaultErrnoRet], [published.defaultAction, published.defaultErrnoRet]);
});

test('a system call is never allowed both always and under a condition on its arguments', () => {
  const { syscalls } = defaultProfile({ capabilities: new Set(CAPABILITIES), arch: 'x64', kernel: [6, 12] });
  const always = new Set(syscalls![0]!.names);
  for (const rule of syscalls!.slice(1)) assert.ok(!rule.names.some((name) => always.has(name)), rule.names.join());
});
