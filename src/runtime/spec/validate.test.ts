import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Config, EMPTY_CONFIG } from '#api/types/container-config.ts';
import { EMPTY_HOST_CONFIG, type HostConfig } from '#api/types/host-config.ts';
import type { EngineError } from '#errors/errors.ts';
import { DOCKERD_CASES, type DockerdCase, expectedInspect, IMAGES } from '#test/support/dockerd-cases.ts';
import { ENGINE_DEFAULTS, LEGACY_CGROUPS } from '#test/support/recorded-host.ts';
import { CAPABILITIES } from './capabilities.ts';
import { withHostDefaults } from './host-defaults.ts';
import { mergeConfig } from './merge-config.ts';
import { validateCreate } from './validate.ts';

const LIMITS = { cgroups: LEGACY_CGROUPS, host: { cpuCount: 2, capabilities: CAPABILITIES } };

function create({ config: asked, hostConfig: given }: Pick<DockerdCase, 'config' | 'hostConfig'>) {
  const request = { ...EMPTY_CONFIG, Image: 'base', ...asked };
  const config = mergeConfig(request, IMAGES[request.Image] ?? {});
  const filled = withHostDefaults({ ...EMPTY_HOST_CONFIG, ...given }, ENGINE_DEFAULTS, LEGACY_CGROUPS);
  return { config, ...validateCreate(config, filled, {}, LIMITS) };
}

/** Judged elsewhere: by the mounts' parser, or by the daemon, which knows names. */
const ELSEWHERE = [
  /^(bind|volume|mount|tmpfs|volumes-from)-/,
  /^(container-(ipc|pid)-missing|links-missing|image-missing|runtime-unknown|workdir-file)$/,
];

/** What a better message or an earlier refusal makes different from dockerd, on purpose. */
const OWN_WORDS: Record<string, string> = {
  'storage-opt': '--storage-opt is not supported: no storage driver of wherry limits the size of a container',
  'ports-bad': 'invalid proto: xyz',
  'ports-bad2': 'invalid hostPort: 99999',
  'ports-bad3': 'invalid containerPort: 99999',
  'ports-bad4': 'invalid containerPort: x',
  'ports-badip': 'invalid IP address: zz',
  'ports-badhost': 'invalid hostPort: zz',
  'expose-bad': 'invalid containerPort: x',
  'expose-bad2': 'invalid proto: zzz',
  'userns-bad': 'invalid user namespace mode: xx',
  'device-badperm': 'invalid device mode: z',
  'ulimit-bad': 'invalid ulimit type: bogus',
  'ulimit-soft-over-hard': 'ulimit soft limit must be less than or equal to hard limit: 10 > 5',
  'cpu-shares-neg': 'invalid CPU shares (-1): value must be a positive integer',
  'log-badsize': "invalid size: 'zz'",
  'log-badfile': 'max-file cannot be less than 1',
};

/** dockerd finds these only at start; the words are the same. */
const AT_START = ['device-cgroup-rule-bad', 'device-cgroup-rule-bad2', 'dns-bad'];

/** Accepted here, as the option `docker run --security-opt systempaths=unconfined` says what it says. */
const ACCEPTED = ['systempaths-unconfined-sec'];

const judged = DOCKERD_CASES.filter(
  ({ name }) => !ELSEWHERE.some((pattern) => pattern.test(name)) && !ACCEPTED.includes(name),
);

for (const dockerd of judged) {
  const atStart = AT_START.includes(dockerd.name) ? dockerd.startError : undefined;
  const refusal = OWN_WORDS[dockerd.name] ?? dockerd.error ?? atStart;
  if (refusal === undefined) {
    test(`accepted with dockerd's warnings and echoed as dockerd does: ${dockerd.name}`, () => {
      const { config, hostConfig, warnings } = create(dockerd);
      assert.deepEqual(warnings, dockerd.warnings ?? []);
      assertEcho(dockerd, 'HostConfig', hostConfig);
      assertEcho(dockerd, 'Config', config);
    });
  } else {
    test(`refused with dockerd's words: ${dockerd.name}`, () => {
      assert.throws(
        () => create(dockerd),
        (error: EngineError) => {
          assert.equal(error.message, refusal);
          assert.equal(error.kind, 'invalid');
          return true;
        },
      );
    });
  }
}

/** Every field that dockerd's inspect has; the host name and network settings are the daemon's to fill. */
function assertEcho(dockerd: DockerdCase, part: 'Config' | 'HostConfig', actual: Config | HostConfig): void {
  const fields = Object.keys(DOCKERD_CASES[0]!.inspect!).filter((field) => field.startsWith(`${part}.`));
  for (const field of new Set([
    ...fields,
    ...Object.keys(dockerd.inspect ?? {}).filter((key) => key.startsWith(`${part}.`)),
  ])) {
    const name = field.slice(part.length + 1);
    if (name === 'Hostname' || name === 'MacAddress') continue;
    const value = (actual as unknown as Record<string, unknown>)[name];
    assert.deepEqual(normalized(value) ?? null, normalized(expectedInspect(dockerd, field)) ?? null, field);
  }
}

/** A request's missing members are zero on the wire; absent and null members say the same. */
function normalized(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normalized);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== null && item !== undefined && item !== '' && item !== 0)
      .map(([key, item]) => [key, normalized(item)]),
  );
}

test('limits that the kernel cannot keep are dropped, each with a warning', () => {
  const none = Object.fromEntries(Object.keys(LEGACY_CGROUPS.features).map((name) => [name, false]));
  const cgroup = { ...LEGACY_CGROUPS, features: none as unknown as typeof LEGACY_CGROUPS.features };
  const asked = {
    Memory: 2 ** 27,
    MemoryReservation: 2 ** 26,
    CpuShares: 512,
    CpuQuota: 5000,
    PidsLimit: 10,
    BlkioWeight: 100,
  };
  const filled = withHostDefaults({ ...EMPTY_HOST_CONFIG, ...asked }, ENGINE_DEFAULTS, cgroup);
  const limits = { ...LIMITS, cgroups: cgroup };
  const { hostConfig, warnings } = validateCreate({ ...EMPTY_CONFIG, Cmd: ['true'] }, filled, {}, limits);
  assert.equal(warnings.length, 6);
  const { Memory, MemoryReservation, CpuShares, CpuQuota, PidsLimit, BlkioWeight } = hostConfig;
  assert.deepEqual([Memory, MemoryReservation, CpuShares, CpuQuota, PidsLimit, BlkioWeight], [0, 0, 0, 0, null, 0]);
});

test('limits beyond 2^53 are judged exactly', () => {
  const { hostConfig } = create({ hostConfig: { Memory: 9223372036854771712n, MemorySwap: 9223372036854771712n } });
  assert.equal(hostConfig.Memory, 9223372036854771712n);
  assert.throws(
    () => create({ hostConfig: { Memory: 9007199254740993n, MemorySwap: 9007199254740992n } }),
    /larger than/,
  );
});

test('on cgroup v2 a container has a cgroup namespace of its own, also when it is privileged', () => {
  const cgroup = { ...LEGACY_CGROUPS, version: 2 as const };
  const mode = (given: Partial<HostConfig>) =>
    withHostDefaults({ ...EMPTY_HOST_CONFIG, ...given }, ENGINE_DEFAULTS, cgroup).CgroupnsMode;
  assert.equal(mode({}), 'private');
  assert.equal(mode({ Privileged: true }), 'private');
  assert.equal(mode({ CgroupnsMode: 'host' }), 'host');
});

test("the engine's log options hold only for the engine's log driver", () => {
  const defaults = { ...ENGINE_DEFAULTS, logOpts: { 'max-size': '10m', 'max-file': '3' } };
  const config = (LogConfig: HostConfig['LogConfig']) =>
    withHostDefaults({ ...EMPTY_HOST_CONFIG, LogConfig }, defaults, LEGACY_CGROUPS).LogConfig;
  assert.deepEqual(config({ Type: '', Config: null }), { Type: 'json-file', Config: defaults.logOpts });
  assert.deepEqual(config({ Type: 'none', Config: null }), { Type: 'none', Config: {} });
  assert.equal(config({ Type: 'json-file', Config: { 'max-size': '1m' } }).Config!['max-size'], '1m');
});
