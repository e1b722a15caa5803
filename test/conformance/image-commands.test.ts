/**
 * The image commands give what they give with dockerd: docker's client with this engine, and the engine's own client, go
 * through the same steps as docker's client with dockerd.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Output, run, startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { type Dockerd, startDockerd } from '#test/support/dockerd.ts';
import { busyboxLayer, makeArchive, type TestImage } from '#test/support/images.ts';
import { makeTar } from '#test/support/tar.ts';

type Client = (args: string[]) => Promise<Output>;

let folder: string;
let dockerd: Dockerd;
/** One daemon for each client: the steps change what is there. */
let daemons: TestDaemon[] = [];
let reference: Client;
let clients: [name: string, client: Client][];

const file = (name: string) => makeTar([{ name, body: Buffer.alloc(1500, name) }]);
const made = (created: string) => ({ created, history: [{ created, created_by: `/bin/sh -c ${'x'.repeat(60)}` }] });

async function images(): Promise<TestImage[]> {
  const base = await busyboxLayer();
  const history = [
    { created: '2020-01-01T00:00:00Z', created_by: '/bin/sh -c #(nop) ADD file:a in /' },
    { created: '2020-06-01T00:00:00Z', created_by: 'ENV A=b', empty_layer: true, comment: 'note' },
    { created: '2021-01-01T00:00:00Z', created_by: 'RUN x' },
  ];
  const config = { Cmd: ['sleep', '1000'], Labels: { both: '2' }, Env: ['A=b'], ExposedPorts: { '80/tcp': {} }, User: 'u:g', Volumes: { '/v': {} } }; // biome-ignore format: one line
  const labels = { l: 'base', both: '1' };
  return [
    { layers: [base], tags: ['busybox:latest', 'other/bb:v1'], config: { Labels: labels }, extra: made('2020-01-01T00:00:00Z') },
    { layers: [base, file('a')], tags: ['app:1'], config, extra: { author: 'me', created: '2021-01-01T00:00:00.123456789Z', history } },
    { layers: [base, file('b')], tags: ['localhost:5000/app:2', 'app:2', 'app:two'], extra: { created: '2022-01-01T00:00:00Z' } },
    { layers: [file('c')], tags: ['dangling:soon'], extra: made('2023-01-01T00:00:00Z') },
    { layers: [file('d')], tags: ['undated:1'], extra: { created: undefined } },
  ]; // biome-ignore format: a table
}

before(async () => {
  folder = await mkdtemp('/var/tmp/wherry-test-commands-');
  await makeArchive(join(folder, 'images.tar'), await images(), { form: 'docker' });
  const replacing = { layers: [file('e')], tags: ['dangling:soon'], extra: made('2024-01-01T00:00:00Z') };
  await makeArchive(join(folder, 'replacing.tar'), [replacing], { form: 'docker' });
  dockerd = await startDockerd();
  daemons = await Promise.all([startDaemon({ busybox: false }), startDaemon({ busybox: false })]);
  const [one, two] = daemons as [TestDaemon, TestDaemon];
  reference = (args) => run('docker', ['-H', dockerd.host, ...args], '', { ...process.env, DOCKER_CONFIG: folder });
  clients = [
    ['docker', (args) => one.docker(args)],
    ['wherry', (args) => two.wherry(args)],
  ];
});
after(async () => {
  await Promise.all([dockerd?.close(), ...daemons.map((daemon) => daemon.close())]);
  await rm(folder, { recursive: true, force: true });
});

const steps = `
load -i FOLDER/images.tar
load -q -i FOLDER/replacing.tar
images
images -a
images --digests
images --no-trunc
images -q
images -aq --no-trunc
images app
images app:2
images app:nope
images localhost:5000/app
images *pp
images --filter reference=app
images --filter reference=*:2
images --filter reference=*/*
images --filter dangling=true
images --filter dangling=false
images --filter dangling=maybe
images --filter label=both
images --filter label=both=2
images --filter label=l --filter label=both
images --filter before=app:2
images --filter since=app:1
images --filter since=nope
images --filter until=2021-06-01
images --filter until=50000h
images --filter until=rubbish
images --filter nosuch=x
images --format {{.Repository}},{{.Tag}},{{.ID}},{{.Digest}},{{.CreatedAt}},{{.Size}},{{.SharedSize}},{{.Containers}}
image ls -q
image list
history app:1
history --no-trunc app:1
history -q app:1
history -H=false app:1
history --format json app:1
image history busybox
history nope
image inspect -f {{json .Config}}{{.Id}}{{.Size}}{{json .RootFS}}{{.Author}}{{.Created}} app:1 busybox
image inspect nope
inspect --type image nope
tag nope x:y
tag app:1 Bad/NAME
tag app:1 app:1
tag app:1 new
image tag app:1 x/y:z
images
load -i FOLDER/none
rmi nope
rmi new x/y:z
rmi app:2
rmi app:two localhost:5000/app:2
create --name user app:1
rmi app:1
rmi busybox
rmi other/bb:v1
image rm dangling
images -a
rm user
image rm app:1
image prune -f
image prune --all --force --filter label=nothing
image prune --filter nope=x -f
image prune --filter until=nope -f
image remove nope nope2
image prune -af
images -aq
`
  .trim()
  .split('\n');

test('the image commands do and say the same', async () => {
  for (const step of steps) {
    const args = step.replaceAll('FOLDER', folder).split(' ');
    const [expected, ...outputs] = await Promise.all([reference(args), ...clients.map(([, client]) => client(args))]);
    for (const [at, [name]] of clients.entries()) {
      assert.deepEqual(comparable(outputs[at]!), comparable(expected), `${name} ${step}`);
    }
  }
});

/**
 * Without the order of lines, which dockerd's depends on a hash map for; without ids of containers, bytes on a disk, our
 * hints in parentheses; and with 1970 told alike, which newer clients call N/A.
 */
function comparable({ code, stdout, stderr }: Output) {
  const lines = (text: string) =>
    text
      .replaceAll('wherry', 'docker')
      .replace(/(container |^)[0-9a-f]{12,64}$/gm, (whole, what) =>
        what ? `${what}ID` : whole.length === 64 ? 'ID' : whole,
      )
      .replace(/(container )[0-9a-f]{12}/g, '$1ID')
      .replace(/ \((use|known|for example) [^)]*\)/g, '')
      .replace(/(space: ).*/g, '$1BYTES')
      .replace(/\b5\d years ago|N\/A/g, '1970')
      .split('\n')
      .map((line) => line.trim().replace(/ {2,}/g, '  '))
      .filter((line) => line !== '')
      .sort();
  return { code, stdout: lines(stdout), stderr: lines(stderr) };
}
