import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Config, EMPTY_CONFIG } from '#api/types/container-config.ts';
import { EMPTY_HOST_CONFIG, type HostConfig } from '#api/types/host-config.ts';
import { isEngineError } from '#errors/errors.ts';
import fc from '#test/support/property.ts';
import { ENGINE_DEFAULTS, LEGACY_CGROUPS } from '#test/support/recorded-host.ts';
import { collectMounts } from '#volume/collect-mounts.ts';
import { buildSpec } from './build-spec.ts';
import { CAPABILITIES } from './capabilities.ts';
import { withHostDefaults } from './host-defaults.ts';
import { mergeConfig } from './merge-config.ts';
import { serializeSpec } from './oci.ts';
import { checkNoNul } from './validate/no-nul.ts';
import { validateCreate } from './validate.ts';

const host = {
  arch: 'x64',
  cpuCount: 2,
  kernel: [6, 12] as const,
  seccomp: true,
  apparmor: false,
  capabilities: CAPABILITIES,
};

const words = fc.oneof(
  fc.constantFrom(
    '',
    'host',
    'private',
    'container:',
    'container:x',
    'none',
    'shareable',
    'bridge',
    '/a',
    '/',
    '../x',
    'ALL',
  ),
  fc.constantFrom(
    'seccomp=unconfined',
    'seccomp={}',
    'label=disable',
    'no-new-privileges',
    '0-1',
    '0-99999999',
    '\0',
    'c 1:3 rw',
  ),
  fc.string({ maxLength: 12 }),
);
const list = fc.option(fc.array(words, { maxLength: 3 }));
const map = fc.dictionary(words, words, { maxKeys: 3 });
const int64 = fc.oneof(
  fc.constantFrom(-1, 0, 1, 100, 1e6, 2 ** 27, 2 ** 53),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(plain),
);
const small = fc.integer({ min: -2000, max: 2000 });

/** As the API decodes it: a bigint only where a number would lose digits. */
function plain(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

const hostConfigs = fc.record(
  {
    NetworkMode: words,
    IpcMode: words,
    PidMode: words,
    UTSMode: words,
    CgroupnsMode: words,
    CapAdd: list,
    CapDrop: list,
    SecurityOpt: list,
    Dns: list,
    ExtraHosts: list,
    Links: list,
    Binds: list,
    VolumesFrom: list,
    DeviceCgroupRules: list,
    Tmpfs: map,
    Sysctls: map,
    Annotations: map,
    Privileged: fc.boolean(),
    ReadonlyRootfs: fc.boolean(),
    OomKillDisable: fc.option(fc.boolean()),
    Memory: int64,
    MemorySwap: int64,
    MemoryReservation: int64,
    MemorySwappiness: fc.option(int64),
    NanoCpus: int64,
    CpuQuota: int64,
    CpuPeriod: int64,
    CpuShares: int64,
    CpusetCpus: words,
    PidsLimit: fc.option(int64),
    ShmSize: int64,
    OomScoreAdj: small,
    BlkioWeight: small,
    Ulimits: fc.option(fc.array(fc.record({ Name: words, Soft: int64, Hard: int64 }), { maxLength: 2 })),
    RestartPolicy: fc.record({ Name: words, MaximumRetryCount: small }),
    LogConfig: fc.record({ Type: words, Config: fc.option(map) }),
    PortBindings: fc.option(
      fc.dictionary(words, fc.option(fc.array(fc.record({ HostIp: words, HostPort: words }), { maxLength: 2 }))),
    ),
    AutoRemove: fc.boolean(),
  },
  { requiredKeys: [] },
) as unknown as fc.Arbitrary<Partial<HostConfig>>;

const configs = fc.record(
  {
    Cmd: list,
    Entrypoint: list,
    Env: list,
    Hostname: words,
    Domainname: words,
    WorkingDir: words,
    StopSignal: words,
    Labels: fc.option(map),
    ExposedPorts: fc.dictionary(words, fc.constant({})),
    Volumes: fc.option(fc.dictionary(words, fc.constant({}))),
    Healthcheck: fc.record({ Test: fc.array(words), Interval: int64, Retries: small }),
    Tty: fc.boolean(),
  },
  { requiredKeys: [] },
) as unknown as fc.Arbitrary<Partial<Config>>;

function specOf(asked: Partial<Config>, given: Partial<HostConfig>): object {
  const config = mergeConfig({ ...EMPTY_CONFIG, ...asked }, { Cmd: ['true'], Env: ['PATH=/bin'] });
  const filled = withHostDefaults({ ...EMPTY_HOST_CONFIG, ...given }, ENGINE_DEFAULTS, LEGACY_CGROUPS);
  const { hostConfig } = validateCreate(config, filled, {}, { cgroups: LEGACY_CGROUPS, host });
  const { tmpfs } = collectMounts(
    {
      binds: hostConfig.Binds,
      mounts: hostConfig.Mounts,
      volumesFrom: hostConfig.VolumesFrom,
      tmpfs: hostConfig.Tmpfs,
      volumes: config.Volumes,
      volumeDriver: '',
    },
    () => [],
  );
  return JSON.parse(
    serializeSpec(
      buildSpec({
        id: 'x',
        config,
        hostConfig,
        rootfs: '/r',
        user: { uid: 0, gid: 0, additionalGids: [0], home: '/' },
        namespaces: { network: 'private', pid: 'private', ipc: 'private', uts: 'private', cgroup: 'host' },
        mounts: tmpfs,
        etc: {},
        devices: { host: [], mapped: [] },
        blockIO: {},
        cgroup: { version: 1, cgroupsPath: '/x' },
        host,
      }),
    ),
  );
}

test('any request is a specification without NUL characters, or an invalid request', () => {
  let accepted = 0;
  fc.assert(
    fc.property(configs, hostConfigs, (config, hostConfig) => {
      try {
        checkNoNul(specOf(config, hostConfig), 'spec');
        accepted++;
      } catch (error) {
        assert.ok(
          (isEngineError(error, 'invalid') && !/^spec/.test(error.message)) || isEngineError(error, 'not-implemented'),
          String(error),
        );
      }
    }),
    { numRuns: 3000, examples: [[{}, {}]] },
  );
  assert.ok(accepted > 0);
});

test('one odd field at a time is accepted or named, too', () => {
  const single = hostConfigs.chain((all) => {
    const entries = Object.entries(all);
    return entries.length === 0
      ? fc.constant({})
      : fc.constantFrom(...entries).map((entry) => Object.fromEntries([entry]));
  });
  fc.assert(
    fc.property(single, (hostConfig) => {
      try {
        checkNoNul(specOf({}, hostConfig), 'spec');
      } catch (error) {
        assert.ok(isEngineError(error, 'invalid') && !/^spec/.test(error.message), String(error));
      }
    }),
    { numRuns: 3000 },
  );
});
