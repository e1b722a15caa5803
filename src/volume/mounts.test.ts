import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { MountPoint } from '#api/types/mount.ts';
import { type EngineError, invalid, isEngineError } from '#errors/errors.ts';
import { mountInputOf, placeCases, recordedVolumes, targetMounts } from '#test/support/dockerd-cases.ts';
import fc from '#test/support/property.ts';
import { parseBind } from './bind-spec.ts';
import { collectMounts, type MountInput } from './collect-mounts.ts';
import { prepareMounts } from './prepare-mounts.ts';
import { mergeTmpfsOptions } from './tmpfs-options.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherry-mounts-'));
const bind = join(folder, 'bind');
mkdirSync(bind);
writeFileSync(join(bind, 'f'), '');
after(() => rmSync(folder, { recursive: true }));

const NOTHING: MountInput = { binds: null, mounts: [], volumesFrom: null, tmpfs: {}, volumes: null, volumeDriver: '' };

function mountsOf(name: string) {
  if (name !== 'TARGET') throw invalid(`No such container: ${name}`);
  return targetMounts(bind);
}

async function prepare(input: MountInput) {
  const collected = collectMounts(input, mountsOf);
  return prepareMounts(collected, {
    containerId: '<id>',
    volumes: recordedVolumes,
    dataRoot: '/tmp/h7-docker/data',
    imageId: String,
  });
}

const byTarget = (points: MountPoint[]) => points.toSorted((a, b) => (a.Destination < b.Destination ? -1 : 1));

/** Not judged by the mounts alone, or judged otherwise on purpose. */
const ELSEWHERE = new Set([
  'volume-driver-unknown',
  'volume-config-over-file',
  'volume-config-bad',
  'mount-volume-subpath',
  'bind-prop',
  'bind-prop-slave',
  'mount-bind-prop',
  'tmpfs-bad2',
  'tmpfs-over-etc',
  'mount-tmpfs-size-neg',
]);

const cases = placeCases({ bind, sock: join(bind, 'f') }).filter(
  (dockerd) =>
    !ELSEWHERE.has(dockerd.name) &&
    (/^(bind|volume|mount|tmpfs|volumes-from|nested)/.test(dockerd.name) || dockerd.config?.Volumes),
);

for (const dockerd of cases) {
  const refusal = dockerd.error ?? dockerd.startError;
  if (refusal) {
    test(`refused with dockerd's words: ${dockerd.name}`, async () => {
      await assert.rejects(prepare(mountInputOf(dockerd)), (error: EngineError) => {
        assert.equal(error.message, refusal);
        assert.equal(error.kind, 'invalid');
        return true;
      });
    });
  } else {
    test(`mounted as dockerd mounts: ${dockerd.name}`, async () => {
      const { mountPoints } = await prepare(mountInputOf(dockerd));
      assert.deepEqual(byTarget(mountPoints), byTarget(dockerd.inspect?.Mounts ?? []));
    });
  }
}

test('-v makes the missing folder of the host', async () => {
  const source = join(bind, 'made', 'deep');
  await prepare({ ...NOTHING, binds: [`${source}:/x`] });
  await access(source);
});

test('a bind that holds the data-root follows its unmounts', async () => {
  const { mounts } = await prepare({ ...NOTHING, binds: ['/tmp:/x'] });
  assert.equal(mounts[0]!.propagation, 'rslave');
});

test('a subpath of a volume is kept, for it may lead elsewhere at each start; nothing is copied to it', async () => {
  const mount = { Type: 'volume', Source: 'vol', Target: '/m', VolumeOptions: { Subpath: 'a/b' } } as const;
  const { mounts, populate } = await prepare({ ...NOTHING, mounts: [mount] });
  assert.equal(mounts[0]!.subpath, 'a/b');
  assert.deepEqual(populate, []);
});

test('when a mount cannot be made the anonymous volumes made before it go again', async () => {
  const removed: string[] = [];
  const volumes = {
    ...recordedVolumes,
    removeIfUnused: async (name: string) => void removed.push(name),
  };
  const mounts = [
    { Type: 'volume', Target: '/a' },
    { Type: 'bind', Source: join(bind, 'missing'), Target: '/b' },
  ] as const;
  const collected = collectMounts({ ...NOTHING, mounts }, mountsOf);
  await assert.rejects(
    prepareMounts(collected, { containerId: 'c', volumes, dataRoot: '/x', imageId: String }),
    /does not exist/,
  );
  assert.deepEqual(removed, ['<hex64>']);
});

test('any bind text is a mount below the root or an invalid request', () => {
  const part = fc.oneof(
    fc.constantFrom('', '/', '/a', '/a/../..', '..', 'name', 'ro', 'rw,z', 'rshared', '\0'),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), (parts) => {
      try {
        const { destination } = parseBind(parts.join(':'), '');
        assert.ok(destination.startsWith('/') && destination !== '/' && !destination.split('/').includes('..'));
      } catch (error) {
        assert.ok(isEngineError(error, 'invalid'), String(error));
      }
    }),
  );
});

test('of contradicting tmpfs options the last one holds', () => {
  assert.deepEqual(mergeTmpfsOptions('size=1m,exec,noexec,size=2m').slice(-2), ['noexec', 'size=2m']);
});
