import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import type { DeviceRequest } from '#api/types/host-config.ts';
import { requestedEdits } from './device-requests.ts';
import { CdiLibrary } from './library.ts';
import { run as readCdiFile } from './read-file.ts';

const folder = await mkdtemp(join(tmpdir(), 'wherry-cdi-'));
const [etc, varRun] = [join(folder, 'etc'), join(folder, 'run')];
after(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  for (const path of [etc, varRun]) {
    await rm(path, { recursive: true, force: true });
    await mkdir(path);
  }
});

const library = new CdiLibrary([etc, varRun, join(folder, 'absent')]);

/** A file whose devices set `WHO` to `who`, and whose own edits set `FILE`. */
const fileOf = (kind: string, names: string[], who: string) =>
  JSON.stringify({
    cdiVersion: '0.6.0',
    kind,
    devices: names.map((name) => ({ name, containerEdits: { env: [`WHO=${who}`] } })),
    containerEdits: { env: [`FILE=${who}`] },
  });

const ask = (request: Partial<DeviceRequest>): DeviceRequest => ({
  Driver: '',
  Count: 0,
  DeviceIDs: null,
  Capabilities: null,
  Options: null,
  ...request,
});

async function envOf(...requests: Partial<DeviceRequest>[]): Promise<string[]> {
  return requestedEdits(requests.map(ask), await library.read()).flatMap(({ env }) => env ?? []);
}

test('YAML and JSON, and the edits of a file once for all its devices', async () => {
  await writeFile(
    join(etc, 'a.yaml'),
    'cdiVersion: 0.5.0\nkind: vendor.com/net\ndevices:\n- name: eth0\n  containerEdits:\n    env: ["WHO=yaml"]\n',
  );
  await writeFile(join(etc, 'b.json'), fileOf('vendor.com/disk', ['a', 'b'], 'json'));
  const DeviceIDs = ['vendor.com/disk=a', 'vendor.com/net=eth0', 'vendor.com/disk=b'];
  assert.deepEqual(await envOf({ Driver: 'cdi', DeviceIDs }), ['FILE=json', 'WHO=json', 'WHO=yaml', 'WHO=json']);
});

test('a later folder replaces a device; two files of one folder that name it make it nobody’s', async () => {
  await writeFile(join(etc, 'a.json'), fileOf('v.com/c', ['one', 'two'], 'etc'));
  await writeFile(join(varRun, 'a.json'), fileOf('v.com/c', ['one', 'three'], 'run'));
  await writeFile(join(varRun, 'b.json'), fileOf('v.com/c', ['three'], 'other'));
  assert.deepEqual(await envOf({ Driver: 'cdi', DeviceIDs: ['v.com/c=one'] }), ['FILE=run', 'WHO=run']);
  assert.deepEqual(await envOf({ Driver: 'cdi', DeviceIDs: ['v.com/c=two'] }), ['FILE=etc', 'WHO=etc']);
  await assert.rejects(envOf({ Driver: 'cdi', DeviceIDs: ['v.com/c=three'] }), {
    message: 'CDI device injection failed: unresolvable CDI devices v.com/c=three',
    hint: /Known devices: .*v\.com\/c=three is in \S+\/a\.json and in \S+\/b\.json/,
  });
});

test('a file that changes, goes or was broken is read again', async () => {
  const path = join(etc, 'a.json');
  await writeFile(path, 'kind: [');
  await assert.rejects(envOf({ Driver: 'cdi', DeviceIDs: ['v.com/c=one'] }), { hint: /a\.json: / });
  await writeFile(path, fileOf('v.com/c', ['one'], 'now'));
  assert.deepEqual(await envOf({ Driver: 'cdi', DeviceIDs: ['v.com/c=one'] }), ['FILE=now', 'WHO=now']);
  await rm(path);
  await assert.rejects(envOf({ Driver: 'cdi', DeviceIDs: ['v.com/c=one'] }), { hint: 'Known devices: none.' });
});

test('--gpus: by number, count or all, of the maker whose cards are described', async () => {
  const Capabilities = [['gpu']];
  await assert.rejects(envOf({ Count: -1, Capabilities }), {
    message: 'could not select device driver "" with capabilities: [[gpu]]',
  });
  await writeFile(join(etc, 'amd.json'), fileOf('amd.com/gpu', ['0', 'all'], 'amd'));
  assert.deepEqual(await envOf({ Count: -1, Capabilities }), ['FILE=amd', 'WHO=amd']);
  await assert.rejects(envOf({ Driver: 'nvidia', Count: 1, Capabilities }), /driver "nvidia" with capabilities/);
  await writeFile(join(etc, 'nvidia.json'), fileOf('nvidia.com/gpu', ['0', '1', 'all'], 'nvidia'));
  assert.deepEqual(await envOf({ Count: 2, Capabilities }), ['FILE=nvidia', 'WHO=nvidia', 'WHO=nvidia']);
  assert.deepEqual(await envOf({ DeviceIDs: ['1'], Capabilities }), ['FILE=nvidia', 'WHO=nvidia']);
  await assert.rejects(envOf({ Count: 3, Capabilities }), /unresolvable CDI devices nvidia\.com\/gpu=2/);
  await assert.rejects(envOf({ Capabilities: [['tpu']] }), /could not select device driver "" with .*\[\[tpu\]\]/);
});

test('what is wrong with a file is said', async () => {
  const path = join(etc, 'x.json');
  const good = JSON.parse(fileOf('v.com/c', ['one'], 'x'));
  const edits = (containerEdits: object) => ({ ...good, containerEdits });
  const cases: [object | string, RegExp][] = [
    ['[]', /it is no object/],
    [{ ...good, cdiVersion: '7' }, /cdiVersion 7 is not known/],
    [{ ...good, kind: 'vendor' }, /kind vendor is not of the form/],
    [{ ...good, devices: [...good.devices, ...good.devices] }, /names the device one twice/],
    [{ ...good, devices: {} }, /devices is no list/],
    [edits({ env: ['A'] }), /containerEdits\.env\[0\] is no NAME=value/],
    [edits({ deviceNodes: [{ path: 'dev/x' }] }), /deviceNodes\[0\]\.path is no absolute path/],
    [edits({ deviceNodes: [{ path: '/dev/x', type: 'z' }] }), /type z is none of/],
    [edits({ deviceNodes: [{ path: '/dev/x', major: -1 }] }), /major is no natural number/],
    [edits({ mounts: [{ hostPath: 3, containerPath: '/x' }] }), /mounts\[0\]\.hostPath is no text/],
    [edits({ hooks: [{ hookName: 'later', path: '/bin/x' }] }), /hookName later is not known/],
    ['a: &a [x]\nb: [*a, *a]', /alias/i],
  ];
  for (const [content, message] of cases) {
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
    await assert.rejects(readCdiFile(path), message);
  }
});
