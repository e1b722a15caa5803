/** Compose (Debian's docker-compose) with images that are there: a file with two networks, a volume and an order. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Output, run, startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { killEngine } from '#test/support/faults.ts';
import { runIn } from '#test/support/netns.ts';
import { words } from '#test/support/words.ts';

const COMPOSE_FILE = `
name: shop
services:
  db:
    image: busybox
    command: sh -c 'echo goods > /index.html; date > /data/started; exec httpd -f -p 80 -h /'
    volumes: ['data:/data', '/scratch']
    networks: { back: { ipv4_address: 10.11.12.13, aliases: [store] } }
    labels: { part: database }
    stop_grace_period: 0s
  web:
    image: busybox
    depends_on: [db]
    command: sh -c 'until wget -qO /index.html http://store/; do sleep 0.1; done; echo found; exec httpd -f -p 80 -h /'
    environment: { MODE: test }
    ports: ['8080:80']
    networks: [back, front]
    stop_grace_period: 0s
volumes: { data: {} }
networks:
  back: { internal: true, ipam: { config: [{ subnet: 10.11.12.0/24 }] } }
  front: {}
`;

let daemon: TestDaemon;
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherry-compose-'));
  await writeFile(join(folder, 'compose.yaml'), COMPOSE_FILE);
  daemon = await startDaemon();
});
after(async () => {
  await daemon.close();
  await rm(folder, { recursive: true });
});

const compose = (...args: string[]): Promise<Output> =>
  run('docker-compose', ['-f', join(folder, 'compose.yaml'), ...args], '', {
    ...process.env,
    DOCKER_HOST: daemon.host,
    DOCKER_CONFIG: folder,
  });
const composed = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await compose(...args);
  assert.equal(code, 0, `docker-compose ${args.join(' ')}: ${stderr}`);
  return stdout;
};
const ok = (...line: Parameters<typeof words>) => daemon.ok(words(...line));

async function page(): Promise<string> {
  for (let tries = 0; tries < 1000; tries++) {
    const text = await runIn(daemon.netns.path, words`busybox wget -T 2 -qO- http://127.0.0.1:8080/`).catch(() => '');
    if (text !== '') return text;
    await sleep(50);
  }
  throw new Error((await compose('logs')).stdout);
}

test('up, ps, logs, port, restart, stop, start, down', async () => {
  await composed('up', '-d');
  assert.equal(await page(), 'goods\n');
  assert.match(await composed('logs', 'web'), /found/);
  assert.deepEqual((await composed('ps', '--services')).split('\n').filter(Boolean).sort(), ['db', 'web']);
  assert.match(await composed('ps', 'web'), /shop-web-1 .* Up .* 0\.0\.0\.0:8080->80\/tcp/);
  assert.match(await composed('images'), /shop-db-1 +busybox +latest/);
  assert.match(await composed('port', 'web', '80'), /0\.0\.0\.0:8080/);
  assert.equal(
    await ok`inspect -f ${'{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'} shop-db-1`,
    '10.11.12.13',
  );

  assert.doesNotMatch((await compose('up', '-d')).stderr, /Recreate|Started|Created/, 'nothing has changed');
  await composed('restart');
  assert.equal(await page(), 'goods\n');
  await composed('stop');
  assert.equal(await ok`ps -q`, '');
  await composed('start');
  assert.equal(await page(), 'goods\n');

  await killEngine(daemon);
  assert.equal(await page(), 'goods\n');
  await composed('down');
  assert.equal(await ok`ps -aq`, '');
  assert.deepEqual((await ok`network ls --format {{.Name}}`).split('\n').sort(), ['bridge', 'host', 'none']);
  assert.match(await ok`volume ls -q`, /^shop_data$/m);
  await composed('up', '-d');
  await composed('down', '-v');
  assert.doesNotMatch(await ok`volume ls -q`, /shop_data/);
});

test('up in the foreground follows the output and ends with its containers', async () => {
  const file = join(folder, 'short.yaml');
  await writeFile(file, 'name: short\nservices: { once: { image: busybox, command: "echo said" } }\n');
  const environment = { ...process.env, DOCKER_HOST: daemon.host, DOCKER_CONFIG: folder };
  const { stdout, stderr } = await run('docker-compose', ['-f', file, 'up'], '', environment);
  assert.match(stdout + stderr, /once-1 +\| said/);
  assert.match(stdout + stderr, /exited with code 0/);
  await run('docker-compose', ['-f', file, 'down'], '', environment);
  assert.equal(await ok`ps -aq`, '');
});

const HEALTHY_FILE = `
name: ordered
services:
  db:
    image: busybox
    command: sh -c 'sleep 0.5; touch /ready; exec sleep 1000'
    healthcheck: { test: ['CMD', 'test', '-e', '/ready'], interval: 100ms, retries: 100 }
    stop_grace_period: 0s
  web:
    image: busybox
    depends_on: { db: { condition: service_healthy } }
    command: sleep 1000
    stop_grace_period: 0s
`;

test('depends_on waits for a healthy service', async () => {
  const file = join(folder, 'healthy.yaml');
  await writeFile(file, HEALTHY_FILE);
  const env = { ...process.env, DOCKER_HOST: daemon.host, DOCKER_CONFIG: folder };
  const up = await run('docker-compose', ['-f', file, 'up', '-d', '--wait'], '', env);
  assert.equal(up.code, 0, up.stderr);
  const until = String(Math.ceil(Date.now() / 1000));
  const told = ['events', '--since', '0', '--until', until, '--format', '{{.Action}} {{.Actor.Attributes.name}}'];
  const events = (await daemon.ok(told)).split('\n');
  const order = ['start ordered-db-1', 'health_status: healthy ordered-db-1', 'start ordered-web-1'];
  assert.deepEqual(
    events.filter((event) => order.includes(event)),
    order,
  );
  assert.equal((await run('docker-compose', ['-f', file, 'down'], '', env)).code, 0);
});
