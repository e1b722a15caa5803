/** `wherry system check`: what is damaged is found and named, what is derived made anew, nothing of anybody's deleted. */
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { CheckAux, CheckProblem, CheckSummary } from '#api/types/check.ts';
import type { DiskUsage } from '#api/types/disk-usage.ts';
import { WRITER_VERSION } from '#graphdriver/erofs/image.ts';
import { ask } from '#test/support/ask.ts';
import { run, startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { busyboxLayer, makeArchive } from '#test/support/images.ts';
import { checkStore } from '#test/support/store-check.ts';
import { makeTar } from '#test/support/tar.ts';

let folder: string;
let archive: string;
let imageId: string;
let layer: string;
let daemon: TestDaemon;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherry-check-'));
  archive = join(folder, 'app.tar');
  const own = makeTar([{ name: 'own', body: 'own file\n' }]);
  [imageId] = (await makeArchive(archive, [
    { layers: [await busyboxLayer(), own], tags: ['app:latest'], config: { Cmd: ['cat', '/own'] } },
  ])) as [string];
  daemon = await startDaemon({ flags: ['--storage-driver', 'erofs'] });
  await load();
  layer = JSON.parse(await daemon.ok(['inspect', '-f', '{{json .RootFS.Layers}}', 'app']))[1];
});

after(async () => {
  await daemon.close();
  await rm(folder, { recursive: true });
});

const load = () => daemon.ok(['load', '-q', '-i', archive]);
const hex = (digest: string) => digest.replace('sha256:', '');
const blob = (digest: string) => join(daemon.dataRoot, 'content/sha256', hex(digest));
const index = (digest: string) => join(daemon.dataRoot, `graph/erofs/v${WRITER_VERSION}`, `${hex(digest)}.erofs`);
const quarantine = () => readdir(join(daemon.dataRoot, 'quarantine')).catch(() => []);

async function check(...flags: string[]): Promise<{ code: number; problems: CheckProblem[]; summary: CheckSummary }> {
  const { code, stdout, stderr } = await daemon.wherry(['system', 'check', '--format', 'json', ...flags]);
  const said = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as CheckAux);
  const summary = said.flatMap((aux) => ('summary' in aux ? [aux.summary] : []))[0];
  assert.ok(summary, `${stderr}${daemon.log()}`);
  return { code, problems: said.flatMap((aux) => ('problem' in aux ? [aux.problem] : [])), summary };
}

/** One problem that matches is found by a check, put right by a repair, and gone then. */
async function assertRepaired(pattern: RegExp): Promise<void> {
  const before = await check();
  assert.deepEqual(
    [before.code, before.problems.map(({ outcome }) => outcome)],
    [1, ['found']],
    JSON.stringify(before),
  );
  assert.match(textOf(before.problems[0]!), pattern);
  const repaired = await check('--repair');
  assert.deepEqual([repaired.code, repaired.problems.map(({ outcome }) => outcome)], [0, ['repaired']]);
  assert.match(textOf(repaired.problems[0]!), pattern);
  await assertSound();
}

async function assertSound(): Promise<void> {
  const { code, problems } = await check();
  assert.deepEqual([code, problems], [0, []]);
}

const textOf = ({ subject, problem }: CheckProblem) => `${subject}: ${problem}`;

/** Another byte in the middle of a file. */
async function damage(path: string, position: number): Promise<void> {
  await chmod(path, 0o600);
  const file = await open(path, 'r+');
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, position);
  await file.write(Buffer.from([buffer[0]! ^ 0xff]), 0, 1, position);
  await file.close();
}

test('a sound store: everything is counted, nothing is wrong', async () => {
  await daemon.ok(['run', '--name', 'box', '-v', 'data:/data', 'app', 'sh', '-c', 'echo kept > /data/f']);
  const { code, problems, summary } = await check();
  assert.deepEqual([code, problems], [0, []]);
  const { layers, images, containers, volumes } = summary;
  assert.deepEqual({ layers, images, containers, volumes }, { layers: 2, images: 2, containers: 1, volumes: 1 });
  const { code: plainCode, stdout } = await daemon.wherry(['system', 'check']);
  assert.equal(plainCode, 0);
  assert.match(stdout, /^Checked 2 layers, 2 images, 1 container, 1 volume \(.*\): nothing is wrong\.\n$/);
});

test('an index that is damaged, cut, missing or of another file is made anew', async () => {
  await damage(index(layer), 1500);
  await assertRepaired(/^layer sha256:\w+: its index is damaged/);
  await writeFile(index(layer), (await readFile(index(layer))).subarray(0, 1024));
  await assertRepaired(/its index is 1024 bytes long instead of \d+/);
  await rm(index(layer));
  await assertRepaired(/its index is missing/);
  const copy = await readFile(blob(layer));
  await rm(blob(layer));
  await writeFile(blob(layer), copy, { mode: 0o400 });
  await assertRepaired(/its index was made for another file than this tar/);
  assert.equal(await daemon.ok(['run', '--rm', 'app']), 'own file');
});

test('a damaged or missing tar is named with its images, and loading them again brings it back', async () => {
  for (const harm of [(path: string) => damage(path, 600), rm]) {
    await harm(blob(layer));
    const { code, problems } = await check();
    assert.equal(code, 1);
    assert.match(textOf(problems[0]!), /^layer sha256:\w+: its tar is (damaged|missing)/);
    assert.match(problems[0]!.remedy, /load or pull app:latest again/);
    assert.equal((await check('--repair')).code, 1, 'a loss is not repaired');
    const { stderr } = await daemon.docker(['create', 'app']);
    assert.match(stderr, /layer sha256:\w+ is lost.*load or pull the image again/s);
    const lost = await check();
    assert.deepEqual(lost.problems.map(textOf), [
      `image app:latest (${hex(imageId).slice(0, 12)}): it lacks 1 of its 2 layers: ${layer}`,
      `container box: it stands on layers that are lost: ${layer}`,
    ]);
    await daemon.stop();
    await daemon.start();
    assert.equal(await daemon.ok(['images', '-q', 'app']), hex(imageId).slice(0, 12));
    await load();
    await assertSound();
    assert.equal(await daemon.ok(['run', '--rm', 'app']), 'own file');
  }
  assert.deepEqual(await quarantine(), [`blob-${hex(layer)}`]);
  await rm(join(daemon.dataRoot, 'quarantine'), { recursive: true });
});

test('an image without its config is forgotten by name, its layers are kept aside', async () => {
  await daemon.ok(['rm', 'box']);
  await damage(blob(imageId), 20);
  await daemon.stop();
  await daemon.start();
  const { problems } = await check();
  assert.deepEqual(
    problems.map(({ subject, problem, outcome }) => [subject, problem, outcome]),
    [[`image app:latest (${hex(imageId).slice(0, 12)})`, 'its config is damaged', 'lost']],
  );
  await check('--repair');
  assert.deepEqual((await quarantine()).sort(), [`blob-${hex(imageId)}`, `blob-${hex(layer)}`].sort());
  await assertSound();
  await load();
  assert.equal(await daemon.ok(['run', '--rm', 'app']), 'own file');
  await rm(join(daemon.dataRoot, 'quarantine'), { recursive: true });
});

test('a lost manifest costs the image nothing but its digest', async () => {
  const row = (await readdir(join(daemon.dataRoot, 'content/sha256'))).map((name) => `sha256:${name}`);
  const texts = await Promise.all(
    row.map(async (digest) => [digest, (await readFile(blob(digest))).subarray(0, 2000)]),
  );
  const manifest = texts.find(([, bytes]) => String(bytes).includes(`"digest":"${imageId}"`))![0] as string;
  await rm(blob(manifest));
  await assertRepaired(/^image app:latest \(\w+\): its manifest sha256:\w+ is missing/);
});

test("a container's files", async () => {
  await daemon.ok(['create', '--name', 'box', '-v', 'data:/data', 'app', 'cat', '/data/f']);
  const id = await daemon.ok(['inspect', '-f', '{{.Id}}', 'box']);
  const config = join(daemon.dataRoot, 'containers', id, 'config.json');
  await rm(config);
  await assertRepaired(/^container box: its config.json is missing/);
  await writeFile(config, '{"version":1');
  await assertRepaired(/^container box: its config.json cannot be read/);
  const layers = join(daemon.dataRoot, 'graph/containers');
  const aside = join(daemon.dataRoot, 'graph/aside');
  await rename(join(layers, id), aside);
  const { code, problems } = await check('--repair');
  assert.deepEqual([code, problems.map(textOf)], [1, ['container box: its writable layer is missing']]);
  await rename(aside, join(layers, id));
  assert.equal(await daemon.ok(['start', '-a', 'box']), 'kept');
  await daemon.ok(['rm', 'box']);
});

test("a volume's files", async () => {
  const volume = join(daemon.dataRoot, 'volumes/data');
  await rm(join(volume, 'opts.json'));
  await assertRepaired(/^volume data: the copy of its row is missing/);
  await writeFile(join(volume, 'opts.json'), '{"version":1,"name":"other"}');
  await assertRepaired(/^volume data: the copy of its row says something else/);
  await rename(join(volume, '_data'), join(daemon.dataRoot, 'aside'));
  const { code, problems } = await check('--repair');
  assert.deepEqual([code, problems.map(textOf)], [1, ['volume data: its data is missing']]);
  await rename(join(daemon.dataRoot, 'aside'), join(volume, '_data'));
  assert.equal(await daemon.ok(['run', '--rm', '-v', 'data:/data', 'app', 'cat', '/data/f']), 'kept');
});

test("what no row names goes, or aside where it may be somebody's", async () => {
  const unknown = `sha256:${'ab'.repeat(32)}`;
  await writeFile(blob(unknown), 'x');
  await assertRepaired(/^blob sha256:(ab)+: no image has it/);
  await writeFile(index(unknown), 'x');
  await assertRepaired(/^index of layer sha256:(ab)+: there is no such layer/);
  const id = 'cd'.repeat(32);
  await mkdir(join(daemon.dataRoot, 'containers', id));
  await writeFile(join(daemon.dataRoot, 'containers', id, 'config.json'), '{}');
  await assertRepaired(/^container (cd)+: the database does not know it/);
  await mkdir(join(daemon.dataRoot, 'volumes/stray/_data'), { recursive: true });
  await writeFile(join(daemon.dataRoot, 'volumes/stray/_data/f'), 'mine');
  await assertRepaired(/^volume stray: the database does not know it/);
  const { summary } = await check();
  assert.equal(summary.quarantined.length, 2);
  const stray = summary.quarantined.find((path) => path.includes('stray'))!;
  assert.equal(await readFile(join(stray, '_data/f'), 'utf8'), 'mine');
  for (const place of ['quarantine', 'volumes/.quarantine'])
    await rm(join(daemon.dataRoot, place), { recursive: true });
});

test('what df says is what du says', async () => {
  await daemon.ok(['tag', 'app', 'app:again']);
  await daemon.ok([
    'run',
    '--name',
    'writer',
    '-v',
    'data:/data',
    'app',
    'sh',
    '-c',
    'seq 10000 > /data/g; seq 5000 > /f',
  ]);
  const usage = JSON.parse((await ask(daemon.socket, 'GET', '/system/df')).text) as DiskUsage;
  const sum = (sizes: (number | undefined)[]) => sizes.reduce<number>((total, size) => total + size!, 0);
  const { Images, Containers, Volumes, LayersSize } = usage;
  assert.equal(LayersSize, await du('content', 'graph/erofs', 'graph/overlay2', 'graph/vfs'));
  const shared = Math.max(...Images!.map(({ SharedSize }) => SharedSize));
  assert.equal(sum(Images!.map(({ Size, SharedSize }) => Size - SharedSize)) + shared, LayersSize);
  const id = await daemon.ok(['inspect', '-f', '{{.Id}}', 'writer']);
  assert.equal(Containers!.find(({ Id }) => Id === id)!.SizeRw, await du(`graph/containers/${id}/upper`));
  const folders = Volumes!.map(({ Name }) => `volumes/${Name}/_data`);
  assert.equal(sum(Volumes!.map(({ UsageData }) => UsageData!.Size)), await du(...folders));
  await daemon.ok(['rm', 'writer']);
  await daemon.ok(['rmi', 'app:again']);
});

/** Bytes of all files below these folders of the data-root, the folders themselves left out. */
async function du(...folders: string[]): Promise<number> {
  const { dataRoot } = daemon;
  const command =
    'for f; do [ ! -e "$f" ] || find "$f" ! -type d -print0; done | du --apparent-size -cb --files0-from=-';
  const { stdout } = await run(
    'sh',
    ['-c', command, 'sh', ...folders.map((name) => join(dataRoot, name))],
    '',
    process.env,
  );
  return Number(/^(\d+)\ttotal$/m.exec(stdout)![1]);
}

test('images come and go while checks go on', async () => {
  let done = false;
  const checks = (async () => {
    while (!done) assert.deepEqual((await check('--repair')).problems, []);
  })();
  try {
    for (let round = 0; round < 5; round++) {
      await daemon.ok(['run', '--rm', '-v', '/anonymous', 'app']);
      await daemon.ok(['rmi', 'app']);
      await load();
    }
  } finally {
    done = true;
    await checks;
  }
  await checkStore(daemon);
});
