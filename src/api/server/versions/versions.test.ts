import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerInspect, ContainerSummary } from '#api/types/container.ts';
import { EMPTY_CONFIG } from '#api/types/container-config.ts';
import { EMPTY_HOST_CONFIG } from '#api/types/host-config.ts';
import type { ImageInspect, ImageSummary } from '#api/types/image.ts';
import type { SystemInfo } from '#api/types/system.ts';
import { downgradeInspect, downgradeSummary } from './container.ts';
import { upgradeCreate, upgradeHostConfig, withOldLimits } from './create.ts';
import { downgradeImageInspect, downgradeImageSummary } from './image.ts';
import { downgradeInfo } from './system.ts';

const descriptor = { mediaType: 'm', digest: 'd', size: 1 };

test('images: a virtual size up to 1.43, names for the nameless up to 1.42, no descriptor up to 1.47', () => {
  const image = { Id: 'i', RepoTags: [], RepoDigests: [], Size: 7, Descriptor: descriptor } as unknown as ImageSummary;
  assert.equal(downgradeImageSummary(image, 48), image);
  assert.deepEqual(downgradeImageSummary(image, 44), { Id: 'i', RepoTags: [], RepoDigests: [], Size: 7 });
  assert.equal(downgradeImageSummary(image, 43).VirtualSize, 7);
  assert.deepEqual(downgradeImageSummary(image, 43).RepoTags, []);
  assert.deepEqual(downgradeImageSummary(image, 42).RepoTags, ['<none>:<none>']);
  assert.deepEqual(downgradeImageSummary({ ...image, RepoTags: ['a:b'] }, 42).RepoTags, ['a:b']);
});

test('an image’s config has a container’s fields up to 1.49, and a container’s config beside it up to 1.44', () => {
  const image = { Size: 7, Config: { Cmd: ['sh'], User: '5' } } as unknown as ImageInspect;
  assert.equal(downgradeImageInspect(image, 50), image);
  assert.partialDeepStrictEqual(downgradeImageInspect(image, 49).Config, {
    Cmd: ['sh'],
    User: '5',
    Hostname: '',
    Tty: false,
  });
  assert.ok(!('ContainerConfig' in downgradeImageInspect(image, 45)));
  assert.partialDeepStrictEqual(downgradeImageInspect(image, 44), { Container: '', ContainerConfig: { Cmd: null } });
  assert.equal(downgradeImageInspect(image, 43).VirtualSize, 7);
  assert.equal(downgradeImageInspect({ ...image, Config: null }, 43).Config, null);
});

test('containers: no annotations in a list up to 1.45, the short id among the aliases up to 1.44', () => {
  const row = { HostConfig: { NetworkMode: 'n', Annotations: { a: 'b' } } } as unknown as ContainerSummary;
  assert.equal(downgradeSummary(row, 48), row);
  assert.deepEqual(downgradeSummary(row, 46).HostConfig, row.HostConfig);
  assert.deepEqual(downgradeSummary(row, 45).HostConfig, { NetworkMode: 'n' });
  const container = {
    Id: 'a'.repeat(64),
    Config: { Hostname: 'h' },
    NetworkSettings: { Networks: { bridge: { Aliases: null }, mine: { Aliases: ['x', 'h'] } } },
    ImageManifestDescriptor: descriptor,
  } as unknown as ContainerInspect;
  const aliases = (version: number) =>
    Object.values(downgradeInspect(container, version).NetworkSettings.Networks).map((endpoint) => endpoint.Aliases);
  assert.deepEqual(aliases(45), [null, ['x', 'h']]);
  assert.deepEqual(aliases(44), [null, ['x', 'h', 'a'.repeat(12)]]);
  assert.ok(!('ImageManifestDescriptor' in downgradeInspect(container, 47)));
});

test('a frozen value has one form per version, a loose one a new form each time', () => {
  const row = { HostConfig: {} } as ContainerSummary;
  assert.notEqual(downgradeSummary(row, 45), downgradeSummary(row, 45));
  Object.freeze(row);
  assert.equal(downgradeSummary(row, 45), downgradeSummary(row, 45));
  assert.notEqual(downgradeSummary(row, 45), downgradeSummary(row, 46));
  assert.ok(Object.isFrozen(downgradeSummary(row, 45)));
});

test('create: what a version did not know is not taken from it', () => {
  const hostConfig = {
    ...EMPTY_HOST_CONFIG,
    AutoRemove: true,
    KernelMemory: 1,
    KernelMemoryTCP: 1,
    PidsLimit: 0,
    Annotations: { a: 'b' },
    Mounts: [
      {
        Type: 'bind' as const,
        BindOptions: { NonRecursive: true, CreateMountpoint: true, ReadOnlyForceRecursive: true },
      },
      { Type: 'bind' as const },
      { Type: 'volume' as const, VolumeOptions: { Subpath: 's', NoCopy: true } },
    ],
  };
  const now = upgradeHostConfig(hostConfig, 51);
  assert.ok(!('KernelMemory' in now));
  assert.partialDeepStrictEqual(now, {
    AutoRemove: true,
    KernelMemoryTCP: 1,
    PidsLimit: null,
    Annotations: { a: 'b' },
  });
  assert.deepEqual(now.Mounts, hostConfig.Mounts);
  const old = upgradeHostConfig(hostConfig, 24);
  assert.partialDeepStrictEqual(old, { AutoRemove: false, KernelMemory: 1, IpcMode: 'shareable' });
  assert.ok(!('KernelMemoryTCP' in old) && !('Annotations' in old));
  assert.deepEqual(old.Mounts, [
    { Type: 'bind', BindOptions: { ReadOnlyNonRecursive: true } },
    { Type: 'bind', BindOptions: { ReadOnlyNonRecursive: true } },
    { Type: 'volume', VolumeOptions: { NoCopy: true } },
  ]);
});

test('create: platform from 1.41 on, a health check’s start interval from 1.44 on', () => {
  const request = {
    platform: { os: 'linux', architecture: 'amd64' },
    config: { ...EMPTY_CONFIG, Healthcheck: { Test: ['NONE'], StartInterval: 5 } },
    hostConfig: EMPTY_HOST_CONFIG,
    networkingConfig: { EndpointsConfig: null },
  };
  assert.deepEqual(upgradeCreate(request, 51).config, request.config);
  assert.deepEqual(upgradeCreate(request, 43).config.Healthcheck, { Test: ['NONE'] });
  assert.deepEqual(upgradeCreate(request, 41).platform, request.platform);
  assert.equal(upgradeCreate(request, 40).platform, undefined);
});

test('limits beside the config count where the host config has none', () => {
  const limits = { Memory: 5, MemorySwap: 6, CpuShares: 7, Cpuset: '0' };
  assert.partialDeepStrictEqual(withOldLimits(EMPTY_HOST_CONFIG, limits), {
    Memory: 5,
    MemorySwap: 6,
    CpuShares: 7,
    CpusetCpus: '0',
  });
  assert.equal(withOldLimits({ ...EMPTY_HOST_CONFIG, Memory: 9 }, limits).Memory, 9);
});

test('info: the fields that later versions dropped or brought', () => {
  const info = {
    FirewallBackend: { Driver: 'nftables' },
    DiscoveredDevices: [],
    SecurityOptions: ['name=seccomp,profile=builtin', 'name=rootless'],
  } as unknown as SystemInfo;
  assert.equal(downgradeInfo(info, 50), info);
  assert.ok('FirewallBackend' in downgradeInfo(info, 49) && !('DiscoveredDevices' in downgradeInfo(info, 49)));
  assert.ok(!('FirewallBackend' in downgradeInfo(info, 48)));
  assert.partialDeepStrictEqual(downgradeInfo(info, 24), {
    ExecutionDriver: '<not supported>',
    SecurityOptions: ['seccomp', 'rootless'],
  });
});
