import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { nativeProgram } from '#test/support/launcher.ts';

const engineScript = join(import.meta.dirname, '../support/fake-engine.ts');
const engineCommand = [process.execPath, '--disable-warning=ExperimentalWarning', engineScript];

describe('the launcher and its engine', () => {
  let home: string;
  let counter = 0;
  const launchers: ChildProcess[] = [];
  before(() => {
    home = mkdtempSync(join(tmpdir(), 'wherry-engine-'));
  });
  after(async () => {
    for (const child of launchers) {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    }
    rmSync(home, { recursive: true });
  });

  function launch(mode = '', env: Record<string, string> = {}) {
    const path = join(home, `${counter++}.sock`);
    const argv = ['--', ...engineCommand, path, mode];
    const child = spawn(nativeProgram('wherry-launcher'), argv, {
      stdio: ['ignore', 'inherit', 'pipe'],
      env: { ...process.env, ...env },
    });
    launchers.push(child);
    const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    return { child, path, exit, messages: text(child.stderr!) };
  }

  /** The file is there a moment before it is listened on. */
  async function connect(path: string): Promise<Socket> {
    for (let round = 0; ; round++) {
      const client = createConnection(path);
      try {
        await once(client, 'connect');
        return client;
      } catch (error) {
        if (round === 500) throw error;
        await sleep(10);
      }
    }
  }

  /** Talks to the engine; it may still have to start for the first time. */
  async function ask(path: string, command = '') {
    const client = await connect(path);
    const answer = text(client);
    client.end(`${command}\n`);
    const [first = '', second = ''] = (await answer).split('\n');
    const [pid, kept, held, signals] = first.split(' ');
    return {
      pid: Number(pid),
      kept: kept?.split(',').filter(Boolean) ?? [],
      held,
      signals: signals?.split(',') ?? [],
      second,
    };
  }

  const gone = async (pid: number) => {
    for (let round = 0; existsSync(`/proc/${pid}`) && round < 500; round++) await sleep(10);
    return !existsSync(`/proc/${pid}`);
  };

  test('an engine that is killed is started again with its listener and ports, and clients wait in the backlog meanwhile', async () => {
    const { child, path } = launch();
    const first = await ask(path);
    assert.deepEqual(first.kept, []);
    for (let round = 0; round < 2; round++) {
      const { pid } = await ask(path);
      process.kill(pid, 'SIGKILL');
      assert.ok(await gone(pid));
      const next = await ask(path);
      assert.notEqual(next.pid, pid);
      assert.deepEqual(next.kept, [`unix:${path};é`]);
      assert.equal(next.held, 'port');
    }
    assert.equal(child.exitCode, null);
  });

  test('an engine that fails after it was ready is started again, later each time', async () => {
    const { child, path, exit, messages } = launch();
    await ask(path, 'exit 9');
    await ask(path, 'exit 9');
    const { pid } = await ask(path);
    child.kill('SIGTERM');
    assert.deepEqual(await exit, [5, null], "the engine's answer to SIGTERM");
    assert.ok(await gone(pid));
    assert.match(await messages, /code 9; starting it again in 100 ms\n.*code 9; starting it again in 200 ms\n/);
  });

  test('an engine that ends by itself, or before it was ready, ends the launcher with its code', async () => {
    assert.deepEqual(await launch('early-exit=3').exit, [3, null]);
    assert.deepEqual(await launch('early-exit=0').exit, [0, null]);
    assert.deepEqual(await launch('early-kill').exit, [137, null]);
    const { path, exit } = launch();
    await ask(path, 'exit 0');
    assert.deepEqual(await exit, [0, null]);
  });

  test('a second SIGTERM kills an engine that does not end', async () => {
    const { child, path, exit } = launch('stubborn');
    const { pid } = await ask(path);
    child.kill('SIGTERM');
    assert.equal((await ask(path)).pid, pid, 'it goes on');
    child.kill('SIGINT');
    assert.deepEqual(await exit, [137, null]);
  });

  test('what an engine was having done is over when the next one starts', async () => {
    const { path } = launch();
    for (let round = 0; round < 2; round++) {
      const file = join(home, `sleeper-${round}`);
      const { pid } = await ask(path);
      void ask(path, `run ${file}`).catch(() => {});
      while (!existsSync(file) || readFileSync(file, 'utf8') === '') await sleep(5);
      process.kill(pid, 'SIGKILL');
      assert.ok(await gone(pid));
      await ask(path);
      assert.ok(!existsSync(`/proc/${readFileSync(file, 'utf8').trim()}`));
    }
  });

  test('SIGTERM while no engine runs ends the launcher', async () => {
    const { child, path, exit } = launch();
    const { pid } = await ask(path);
    process.kill(pid, 'SIGKILL');
    assert.ok(await gone(pid));
    child.kill('SIGTERM');
    const [code] = await exit;
    assert.ok(code === 0 || code === 5, `code ${code}`);
  });

  test('SIGHUP and SIGUSR1 reach the engine', async () => {
    const { child, path } = launch();
    await ask(path);
    child.kill('SIGHUP');
    for (let round = 0; round < 500 && !(await ask(path)).signals.includes('SIGHUP'); round++) await sleep(10);
    child.kill('SIGUSR1');
    for (let round = 0; round < 500 && !(await ask(path)).signals.includes('SIGUSR1'); round++) await sleep(10);
    assert.deepEqual((await ask(path)).signals, ['SIGHUP', 'SIGUSR1']);
  });

  test('when the launcher is killed the engine ends, even a stopped one, and what it started lives on', async () => {
    for (const stopped of [false, true]) {
      const { child, path } = launch();
      const { pid, second } = await ask(path, 'spawn');
      if (stopped) process.kill(pid, 'SIGSTOP');
      child.kill('SIGKILL');
      assert.ok(await gone(pid));
      assert.match(readFileSync(`/proc/${second}/stat`, 'utf8'), /\(sleep\) S/);
      process.kill(Number(second), 'SIGKILL');
    }
  });

  test("systemd's sockets become kept descriptors of the engine", async () => {
    const path = join(home, 'activated.sock');
    const server = createServer().listen(path);
    await once(server, 'listening');
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
    const script = 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"';
    const argv = ['-c', script, 'sh', nativeProgram('wherry-launcher'), '--', ...engineCommand, path, ''];
    const child = spawn('sh', argv, { stdio: ['ignore', 'inherit', 'inherit', fd] });
    launchers.push(child);
    const client = createConnection(path);
    server.removeAllListeners('connection');
    (server as unknown as { _handle: { close(): void } })._handle.close();
    client.end('\n');
    assert.match(await text(client), /^\d+ fd:\/\/0 /);
  });

  test('readiness and stopping are told to the service manager', async () => {
    const socket = join(home, 'notify');
    const listen =
      'import socket,sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]); print(flush=True)\n' +
      'for i in range(2): print(s.recv(999).decode().replace("\\n", " "), flush=True)';
    const manager = spawn('python3', ['-c', listen, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
    const output = manager.stdout.setEncoding('utf8')[Symbol.asyncIterator]();
    await output.next();
    const { child, path, exit } = launch('', { NOTIFY_SOCKET: socket });
    await ask(path);
    child.kill('SIGTERM');
    await exit;
    let told = '';
    for await (const chunk of output) told += chunk;
    assert.equal(told, 'READY=1\nSTOPPING=1\n');
  });

  test('bin/wherryd finds its tree through symbolic links and passes arguments on', async () => {
    const repository = join(import.meta.dirname, '../..');
    const tree = join(home, 'tree with spaces');
    for (const folder of ['bin', 'src', 'links']) mkdirSync(join(tree, folder), { recursive: true });
    for (const name of ['wherryd', 'start.mjs']) cpSync(join(repository, 'bin', name), join(tree, 'bin', name));
    for (const name of ['native', 'node_modules']) symlinkSync(join(repository, name), join(tree, name));
    writeFileSync(join(tree, 'package.json'), '{"type": "module"}');
    writeFileSync(join(tree, 'src/wherryd.ts'), 'console.log(JSON.stringify(process.argv.slice(2)));');
    nativeProgram('wherry-launcher');
    symlinkSync('../bin/wherryd', join(tree, 'links/relative'));
    symlinkSync(join(tree, 'links/relative'), join(home, 'absolute'));
    const child = spawn(join(home, 'absolute'), ['--debug', 'a b'], { stdio: ['ignore', 'pipe', 'pipe'] });
    const outputs = await Promise.all([text(child.stdout), text(child.stderr)]);
    assert.deepEqual(outputs, ['["--debug","a b"]\n', '']);
    assert.ok(existsSync(join(tree, '.cache/node')), 'the compile cache is in use');
  });
});
