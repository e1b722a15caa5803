/** The exec routes on the wire, compared with what dockerd 26 answers; what survives the engine, and what goes. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerInspect } from '#api/types/container.ts';
import type { ExecConfig, ExecInspect, ExecStartConfig } from '#api/types/exec.ts';
import { type RawClient, rawOn } from '#test/support/api.ts';
import { ask } from '#test/support/ask.ts';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { killEngine } from '#test/support/faults.ts';
import { monitorOfExec, processesNaming } from '#test/support/processes.ts';
import { checkStore } from '#test/support/store-check.ts';

let daemon: TestDaemon;
let container: string;
before(async () => {
  daemon = await startDaemon();
  container = await daemon.ok(['run', '-d', '--name', 'box', 'busybox', 'sleep', '100000']);
});
after(() => daemon.close());

const OUTPUT = { AttachStdout: true, AttachStderr: true };

async function create(config: Partial<ExecConfig>, name = 'box', version = '1.51'): Promise<string> {
  const { status, text } = await ask(daemon.socket, 'POST', `/v${version}/containers/${name}/exec`, config);
  assert.equal(status, 201, text);
  return JSON.parse(text).Id;
}

const inspect = async (id: string): Promise<ExecInspect> =>
  JSON.parse((await ask(daemon.socket, 'GET', `/exec/${id}/json`)).text);

const execIds = async () =>
  (JSON.parse((await ask(daemon.socket, 'GET', '/containers/box/json')).text) as ContainerInspect).ExecIDs;

/** Opens the session of an exec as docker's CLI does. */
function open(id: string, config: Partial<ExecStartConfig> = {}, version = '1.51', upgrade = true): RawClient {
  const body = JSON.stringify(config);
  const head = [
    `POST /v${version}/exec/${id}/start HTTP/1.1`,
    'Host: x',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    ...(upgrade ? ['Connection: Upgrade', 'Upgrade: tcp'] : []),
  ];
  return rawOn(connect({ path: daemon.socket, allowHalfOpen: true }), `${head.join('\r\n')}\r\n\r\n${body}`);
}

/** Head and bytes of a whole session without input. */
async function session(...args: Parameters<typeof open>): Promise<[head: string, bytes: string]> {
  const client = open(...args);
  client.socket.end();
  const [head, ...bytes] = (await client.end()).split('\r\n\r\n');
  return [head!, bytes.join('\r\n\r\n')];
}

const descriptors = async () => (await readdir(`/proc/${await daemon.enginePid()}/fd`)).length;

async function untilEnded(id: string): Promise<ExecInspect> {
  for (;;) {
    const found = await inspect(id);
    if (!found.Running) return found;
    await sleep(20);
  }
}

test('the monitor that a creation makes ready leaves when no start comes; a late start gets another one', async () => {
  const id = await create({ Cmd: ['echo', 'late'], ...OUTPUT, Tty: true });
  const socket = join(daemon.execRoot, 'containers', container, 'execs', id, 'monitor.sock');
  while (!existsSync(socket)) await sleep(5);
  while (await monitorOfExec(id)) await sleep(20);
  assert.equal((await session(id, { Tty: true }))[1], 'late\r\n');
  assert.equal((await untilEnded(id)).ExitCode, 0);
});

test('inspect before, during and after', async () => {
  const id = await create({
    Cmd: ['sh', '-c', 'read x; exit 3'],
    ...OUTPUT,
    AttachStdin: true,
    DetachKeys: 'ctrl-a,b',
  });
  const ProcessConfig = { tty: false, entrypoint: 'sh', arguments: ['-c', 'read x; exit 3'], privileged: false };
  const before = await inspect(id);
  assert.deepEqual(before, {
    ID: id,
    Running: false,
    ExitCode: null,
    ProcessConfig,
    OpenStdin: true,
    OpenStderr: true,
    OpenStdout: true,
    CanRemove: false,
    ContainerID: container,
    DetachKeys: 'AWI=',
    Pid: 0,
  });
  assert.deepEqual(await execIds(), [id]);
  const client = open(id);
  while ((await inspect(id)).Pid === 0);
  const during = await inspect(id);
  assert.deepEqual(during, { ...before, Running: true, Pid: during.Pid });
  client.socket.end('go\n');
  await client.end();
  assert.deepEqual(await inspect(id), { ...before, ExitCode: 3, Pid: during.Pid });
  assert.equal(await execIds(), null);
});

test('heads and frames by version, terminal, and what is attached', async () => {
  const script = { Cmd: ['sh', '-c', 'echo out; sleep 0.1; echo err >&2'] };
  const frames = '\x01\0\0\0\0\0\0\x04out\n\x02\0\0\0\0\0\0\x04err\n';
  const upgraded = (type: string) =>
    `HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.${type}-stream\r\nConnection: Upgrade\r\nUpgrade: tcp`;
  const both = await create({ ...script, ...OUTPUT });
  const [newHead, newBytes] = await session(both);
  assert.ok(newHead.startsWith(upgraded('multiplexed')), newHead);
  assert.equal(newBytes, frames);
  const [oldHead, oldBytes] = await session(await create({ ...script, ...OUTPUT }, 'box', '1.24'), {}, '1.24');
  assert.ok(oldHead.startsWith(upgraded('raw')), oldHead);
  assert.equal(oldBytes, frames);
  const [plainHead, plainBytes] = await session(await create({ ...script, ...OUTPUT }), {}, '1.51', false);
  assert.match(plainHead, /^HTTP\/1.1 200 OK\r\nContent-Type: application\/vnd.docker.raw-stream/);
  assert.equal(plainBytes, frames);
  assert.equal((await session(await create({ ...script, AttachStderr: true })))[1], '\x02\0\0\0\0\0\0\x04err\n');
  assert.equal((await session(await create({ ...script, AttachStdout: true }), { Tty: true }))[1], 'out\n');
  assert.equal((await session(await create(script)))[1], '');
});

test('a terminal has the size that start, or else create, or a resize says', async () => {
  // crun lets the process go before its terminal has the size
  const until = 'until size=$(stty size 2>/dev/null); [ "$size" ]; do :; done; echo $size';
  const stty = { Cmd: ['sh', '-c', until], Tty: true, ...OUTPUT };
  const size = async (id: string, start: Partial<ExecStartConfig> = {}, version?: string) =>
    (await session(id, { Tty: true, ...start }, version))[1];
  assert.equal(await size(await create({ ...stty, ConsoleSize: [33, 44] })), '33 44\r\n');
  assert.equal(await size(await create({ ...stty, ConsoleSize: [33, 44] }), { ConsoleSize: [55, 66] }), '55 66\r\n');
  const old = await create({ ...stty, Cmd: ['stty', 'size'], ConsoleSize: [33, 44] }, 'box', '1.41');
  assert.equal(await size(old), 'stty: standard input\r\n', 'no size before 1.42');
  const resized = await create({ Cmd: ['sh', '-c', 'read x; stty size'], Tty: true, ...OUTPUT, AttachStdin: true });
  const early = ask(daemon.socket, 'POST', `/exec/${resized}/resize?h=77&w=88`);
  const client = open(resized, { Tty: true });
  assert.equal((await early).status, 200, 'a resize waits for the start');
  client.socket.write('\n');
  assert.match(await client.until(/77 88/), /77 88/);
  assert.equal((await ask(daemon.socket, 'POST', `/exec/${resized}/resize?h=x&w=1`)).status, 400);
});

test('errors', async () => {
  const fails = async (method: string, path: string, body: object | undefined, status: number, message: RegExp) => {
    const answer = await ask(daemon.socket, method, path, body);
    assert.deepEqual([answer.status, message.test(answer.message) || answer.message], [status, true], path);
  };
  await fails('POST', '/containers/box/exec', {}, 400, /^No exec command specified$/);
  await fails('POST', '/containers/box/exec', { Cmd: ['true'], DetachKeys: 'foo' }, 400, /keys \(foo\) provided/);
  await fails('POST', '/containers/none/exec', { Cmd: ['true'] }, 404, /^No such container: none$/);
  for (const [method, path] of [
    ['GET', 'json'],
    ['POST', 'start'],
    ['POST', 'resize?h=1&w=1'],
  ] as const) {
    await fails(method, `/exec/abc/${path}`, method === 'POST' ? {} : undefined, 404, /^No such exec instance: abc$/);
  }
  const once = await create({ Cmd: ['true'], ...OUTPUT });
  await session(once);
  const again = `Error: Exec command ${once} has already run`;
  await fails('POST', `/exec/${once}/start`, { Detach: true }, 409, new RegExp(`^${again}$`));
  assert.equal((await session(once, { Tty: true }))[1], `${again}\r\n`);
  const running = await create({ Cmd: ['sleep', '1000'] });
  const started = await ask(daemon.socket, 'POST', `/exec/${running}/start`, { Detach: true });
  assert.deepEqual([started.status, started.text], [200, '']);
  await fails('POST', `/exec/${running}/start`, { Detach: true }, 409, /^Error: Exec command \w+ is already running$/);
  assert.equal((await ask(daemon.socket, 'POST', `/exec/${running}/resize?h=1&w=1`)).status, 200);
  process.kill((await inspect(running)).Pid, 'SIGKILL');
  assert.equal((await untilEnded(running)).ExitCode, 137);
});

test('a paused container has no new processes; those that it has are paused with it', async () => {
  const [ready, running] = [await create({ Cmd: ['true'] }), await create({ Cmd: ['sleep', '1000'] })];
  await ask(daemon.socket, 'POST', `/exec/${running}/start`, { Detach: true });
  await daemon.ok(['pause', 'box']);
  const paused = (called: string) => `Container ${called} is paused, unpause the container before exec`;
  const refused = await ask(daemon.socket, 'POST', '/containers/box/exec', { Cmd: ['true'] });
  assert.deepEqual([refused.status, refused.message], [409, paused('box')]);
  const late = await ask(daemon.socket, 'POST', `/exec/${ready}/start`, { Detach: true });
  assert.deepEqual([late.status, late.message], [409, paused(container)]);
  assert.equal((await inspect(running)).Running, true);
  await daemon.ok(['unpause', 'box']);
  process.kill((await inspect(running)).Pid, 'SIGKILL');
  assert.equal((await untilEnded(running)).ExitCode, 137);
  assert.equal((await session(ready))[1], '');
  assert.equal((await untilEnded(ready)).ExitCode, 0);
});

test('events', async () => {
  const since = String(Date.now() / 1000);
  const id = await create({ Cmd: ['sh', '-c', 'exit 4'], ...OUTPUT });
  await session(id);
  await session(await create({ Cmd: ['missing'], ...OUTPUT }));
  const query = new URLSearchParams({
    since,
    until: String(Date.now() / 1000 + 0.1),
    filters: '{"type":["container"]}',
  });
  const { text } = await ask(daemon.socket, 'GET', `/events?${query}`);
  const events = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    events.map(({ Action }) => Action),
    [
      'exec_create: sh -c exit 4',
      'exec_start: sh -c exit 4',
      'exec_die',
      'exec_create: missing ',
      'exec_start: missing ',
    ],
  );
  assert.deepEqual(events[2].Actor, {
    ID: container,
    Attributes: { image: 'busybox', name: 'box', execID: id, exitCode: '4' },
  });
});

describe('a client that', () => {
  const held = async (config: Partial<ExecConfig>): Promise<[id: string, client: RawClient]> => {
    const id = await create({ ...OUTPUT, AttachStdin: true, ...config });
    const client = open(id, { Tty: config.Tty ?? false });
    await client.until(/ready/);
    return [id, client];
  };

  test('types the detach keys leaves the process alone', async () => {
    const [id, client] = await held({ Cmd: ['sh', '-c', 'echo ready; read x; exit 5'], Tty: true });
    client.socket.write('\x10\x11');
    await client.end();
    assert.equal((await inspect(id)).Running, true);
    process.kill((await inspect(id)).Pid, 'SIGTERM');
    await untilEnded(id);
  });

  test('closes its side ends stdin; what is printed then still comes', async () => {
    const [id, client] = await held({ Cmd: ['sh', '-c', 'echo ready; cat; sleep 0.1; echo after; exit 6'] });
    client.socket.end('typed');
    assert.match(await client.end(), /typed.*after\n$/s);
    assert.equal((await inspect(id)).ExitCode, 6);
  });

  test('vanishes ends stdin', async () => {
    const [id, client] = await held({ Cmd: ['sh', '-c', 'echo ready; cat; exit 6'] });
    client.socket.destroy();
    assert.equal((await untilEnded(id)).ExitCode, 6);
  });

  test('vanishes from a terminal leaves the process alone, and nothing in the engine, however long it was silent', async () => {
    const before = await descriptors();
    const [id, client] = await held({ Cmd: ['sh', '-c', 'echo ready; exec sleep 1000'], Tty: true });
    const [other, silent] = await held({ Cmd: ['sh', '-c', 'echo ready; exec sleep 1000'], Tty: true });
    silent.socket.end();
    await sleep(50);
    assert.equal(await descriptors(), before + 4, 'each: the client, the monitor');
    for (const { socket } of [client, silent]) socket.destroy();
    while ((await descriptors()) > before + 2) await sleep(50);
    for (const exec of [id, other]) {
      process.kill((await inspect(exec)).Pid, 'SIGKILL');
      assert.equal((await untilEnded(exec)).ExitCode, 137);
    }
  });

  test('does not read holds up its own process only', async () => {
    const id = await create({ Cmd: ['sh', '-c', 'seq 1 1000000; exit 8'], ...OUTPUT });
    const client = open(id);
    client.socket.pause();
    assert.equal(
      (await session(await create({ Cmd: ['echo', 'other'], ...OUTPUT }), { Tty: false }))[1].slice(8),
      'other\n',
    );
    await sleep(300);
    assert.equal((await inspect(id)).Running, true);
    client.socket.resume();
    assert.match(await client.end(), /\n1000000\n$/);
    assert.equal((await inspect(id)).ExitCode, 8);
  });
});

describe('kill -9 of the engine', () => {
  const script = 'echo begun > /begun; until [ -e /go ]; do sleep 0.05; done; echo noise; echo done > /x; exit 9';

  for (const [name, config, start] of [
    ['with a terminal', { Tty: true, ...OUTPUT, AttachStdin: true }, { Tty: true }],
    ['without', { ...OUTPUT }, {}],
    ['detached', {}, { Detach: true }],
  ] as const) {
    test(`an exec ${name} goes on to its end, and its exit code is known`, async () => {
      await daemon.ok(['exec', 'box', 'rm', '-f', '/x', '/begun', '/go']);
      const id = await create({ Cmd: ['sh', '-c', script], ...config });
      if ('Detach' in start) await ask(daemon.socket, 'POST', `/exec/${id}/start`, start);
      else open(id, start).socket.on('error', () => {});
      while ((await daemon.docker(['exec', 'box', 'cat', '/begun'])).stdout !== 'begun\n');
      await killEngine(daemon);
      const { Running, Pid } = await inspect(id);
      assert.equal(Running, true, 'it is found again');
      assert.ok(Pid > 0);
      assert.deepEqual(await execIds(), [id]);
      await daemon.ok(['exec', 'box', 'touch', '/go']);
      assert.equal((await untilEnded(id)).ExitCode, 9);
      assert.equal(await daemon.ok(['exec', 'box', 'cat', '/x']), 'done');
    });
  }

  test('one that ends while there is no engine, one that waits, and one whose monitor was killed', async () => {
    const meanwhile = await create({ Cmd: ['sh', '-c', 'sleep 0.5; exit 5'] });
    const waits = await create({ Cmd: ['sh', '-c', 'exit 6'], ...OUTPUT });
    const lost = await create({ Cmd: ['sleep', '1000'] });
    for (const id of [meanwhile, lost]) await ask(daemon.socket, 'POST', `/exec/${id}/start`, { Detach: true });
    const { Pid } = await inspect(lost);
    const monitor = await monitorOfExec(lost);
    await daemon.stop();
    process.kill(monitor!, 'SIGKILL');
    while (await monitorOfExec(meanwhile)) await sleep(20);
    await daemon.start();
    assert.equal((await inspect(meanwhile)).ExitCode, 5);
    assert.equal((await inspect(lost)).ExitCode, 255);
    process.kill(Pid, 'SIGKILL');
    await session(waits);
    assert.equal((await inspect(waits)).ExitCode, 6);
  });

  test('a monitor that is killed: the exit code comes from the kernel', async () => {
    const trap = 'trap "exit 4" TERM; touch /trapped; while :; do sleep 0.05; done';
    const id = await create({ Cmd: ['sh', '-c', trap] });
    await ask(daemon.socket, 'POST', `/exec/${id}/start`, { Detach: true });
    process.kill((await monitorOfExec(id))!, 'SIGKILL');
    while ((await daemon.docker(['exec', 'box', 'ls', '/trapped'])).code !== 0);
    assert.equal((await inspect(id)).Running, true);
    process.kill((await inspect(id)).Pid, 'SIGTERM');
    assert.equal((await untilEnded(id)).ExitCode, 4);
  });
});

test('nothing is left: no process, no descriptor, no file but what can be asked about', async () => {
  await session(await create({ Cmd: ['true'], ...OUTPUT }));
  const first = await descriptors();
  for (let round = 0; round < 20; round++) await session(await create({ Cmd: ['true'], ...OUTPUT }));
  await session(await create({ Cmd: ['missing'], ...OUTPUT }));
  assert.ok((await descriptors()) <= first + 1);
  while ((await processesNaming('wherry-monitor', daemon.folder)).length > 1) await sleep(20);
  const folder = join(daemon.execRoot, 'containers', container, 'execs');
  for (const id of await readdir(folder)) {
    const kept = (await readdir(join(folder, id))).filter((name) => !['exec.json', 'exit.json', 'pid'].includes(name));
    assert.deepEqual(kept, [], id);
  }
  const created = await create({ Cmd: ['true'] });
  await daemon.ok(['kill', 'box']);
  assert.equal((await ask(daemon.socket, 'GET', `/exec/${created}/json`)).status, 404);
  await checkStore(daemon);
  await daemon.ok(['start', 'box']);
});
