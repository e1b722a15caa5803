/** run, create and what comes before the container starts. */
import assert from 'node:assert/strict';
import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Duplex, PassThrough } from 'node:stream';
import { test } from 'node:test';
import { type Recorded, replyJson } from '../testing/fake-daemon.ts';
import { asked, created, empty, fails, frame, hijacked, type Routes, withDaemon } from '../testing/scripted-daemon.ts';

/** A container that prints, and exits with `code` when it is told to. */
function container(code: number) {
  let waiting: ServerResponse | undefined;
  const exit = () => waiting?.end(JSON.stringify({ StatusCode: code }));
  const routes: Routes = {
    'POST /containers/create': created,
    'POST /containers/c0ffee/wait': (response) => {
      waiting = response;
      response.writeHead(200, { 'Content-Type': 'application/json' }).flushHeaders();
    },
  };
  return { routes, exit };
}

test('run attaches, waits, then starts; its outputs and exit code are the container’s', async () => {
  const { routes, exit } = container(3);
  let stream: Duplex | undefined;
  routes['POST /containers/c0ffee/start'] = (response) => {
    empty(response);
    stream!.write(Buffer.concat([frame(1, 'to stdout\n'), frame(2, 'to stderr\n')]));
    stream!.end();
    exit();
  };
  const upgrade = (_request: Recorded, socket: Duplex) => {
    stream = socket;
    hijacked(socket);
  };
  await withDaemon(
    routes,
    async (run, daemon) => {
      const { exitCode, stdout, stderr } = await run('run --rm busybox false');
      assert.deepEqual([exitCode, stdout, stderr], [3, 'to stdout\n', 'WARNING: be warned\nto stderr\n']);
      assert.deepEqual(asked(daemon), [
        'POST /containers/create',
        'POST /containers/c0ffee/attach',
        'POST /containers/c0ffee/wait',
        'POST /containers/c0ffee/start',
      ]);
      assert.deepEqual(daemon.requests[1]!.query, { stream: '1', stdout: '1', stderr: '1' });
      assert.deepEqual(daemon.requests[2]!.query, { condition: 'removed' });
    },
    upgrade,
  );
});

test('run -i sends standard input, and its end closes the container’s only', async () => {
  const { routes, exit } = container(0);
  let stream: Duplex | undefined;
  routes['POST /containers/c0ffee/start'] = empty;
  const upgrade = (_request: Recorded, socket: Duplex) => {
    stream = socket;
    hijacked(socket);
    let bytes = 0;
    socket.on('data', (piece: Buffer) => {
      bytes += piece.length;
    });
    socket.on('end', () => {
      stream!.end(frame(1, `${bytes} bytes`));
      exit();
    });
  };
  await withDaemon(
    routes,
    async (run, daemon) => {
      const { exitCode, stdout } = await run('run -i busybox cat', 'x'.repeat(3_000_000));
      assert.deepEqual([exitCode, stdout], [0, '3000000 bytes']);
      assert.equal(daemon.requests[1]!.query.stdin, '1');
    },
    upgrade,
  );
});

test('run ends with the container although standard input stays open', async () => {
  const { routes, exit } = container(9);
  let stream: Duplex | undefined;
  routes['POST /containers/c0ffee/start'] = (response) => {
    empty(response);
    stream!.end();
    exit();
  };
  const upgrade = (_request: Recorded, socket: Duplex) => {
    stream = socket;
    hijacked(socket);
  };
  await withDaemon(
    routes,
    async (run) => assert.equal((await run('run -i busybox true', new PassThrough())).exitCode, 9),
    upgrade,
  );
});

test('a container that cannot start: docker’s exit codes', async () => {
  const cases: [message: string, code: number][] = [
    ['exec: "x": executable file not found in $PATH', 127],
    ['exec: "/x": stat /x: no such file or directory', 127],
    ['exec: "/x": permission denied', 126],
    ['exec: "/": is a directory', 126],
    ['something else', 125],
  ];
  for (const [message, code] of cases) {
    const { routes } = container(0);
    routes['POST /containers/c0ffee/start'] = fails(400, message);
    await withDaemon(
      routes,
      async (run) => {
        const { exitCode, stderr } = await run('run busybox x');
        assert.equal(exitCode, code, message);
        assert.ok(stderr.endsWith(`wherry: Error response from daemon: ${message}\n`), stderr);
      },
      (_request, socket) => hijacked(socket),
    );
  }
});

test('run -d starts and prints the id', async () => {
  const routes: Routes = { 'POST /containers/create': created, 'POST /containers/c0ffee/start': empty };
  await withDaemon(routes, async (run, daemon) => {
    const { exitCode, stdout } = await run('run -d busybox sleep 1');
    assert.deepEqual([exitCode, stdout], [0, 'c0ffee\n']);
    const spec = JSON.parse(daemon.requests[0]!.body);
    assert.deepEqual([spec.AttachStdin, spec.AttachStdout, spec.AttachStderr], [false, false, false]);
  });
  await withDaemon(routes, async (run, daemon) => {
    assert.equal((await run('run -d -a stdout busybox')).exitCode, 125);
    assert.equal((await run('run -it busybox')).stderr.split('\n')[0], 'the input device is not a TTY');
    assert.deepEqual(asked(daemon), []);
  });
});

test('a missing image is pulled once, and the container made then', async () => {
  let pulled = false;
  const routes: Routes = {
    'POST /containers/create': (response) =>
      pulled ? created(response) : replyJson(response, 404, { message: 'No such image: repo/x:1' }),
    'POST /images/create': (response) => {
      pulled = true;
      response.write(
        '{"status":"Pulling from repo/x","id":"1"}\r\n{"status":"Downloading","progressDetail":{"current":1,"total":2},"progress":"[>]","id":"a"}\r\n',
      );
      response.end('{"status":"Pull complete","id":"a"}\r\n');
    },
  };
  await withDaemon(routes, async (run, daemon) => {
    const { exitCode, stdout, stderr } = await run('create repo/x:1');
    assert.deepEqual([exitCode, stdout], [0, 'c0ffee\n']);
    assert.equal(
      stderr,
      "Unable to find image 'repo/x:1' locally\n1: Pulling from repo/x\na: Pull complete\nWARNING: be warned\n",
    );
    assert.deepEqual(daemon.requests[1]!.query, { fromImage: 'repo/x', tag: '1' });
  });
});

test('a daemon that cannot pull says so', async () => {
  const routes: Routes = {
    'POST /containers/create': fails(404, 'No such image: x:latest'),
    'POST /images/create': fails(501, 'pulling is not in this release'),
  };
  await withDaemon(routes, async (run) => {
    const { exitCode, stderr } = await run('run x');
    assert.equal(exitCode, 125);
    assert.equal(
      stderr,
      "Unable to find image 'x:latest' locally\nwherry: Error response from daemon: pulling is not in this release\n",
    );
    assert.match((await run('run --pull never x')).stderr, /No such image: x:latest/);
  });
});

test('the id file: written, refused when it exists, gone when there is no container', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-cid-'));
  const path = join(folder, 'cid');
  await withDaemon({ 'POST /containers/create': created }, async (run, daemon) => {
    assert.equal((await run(`create --cidfile ${path} busybox`)).exitCode, 0);
    assert.equal(await readFile(path, 'utf8'), 'c0ffee');
    assert.equal((await run(`create --cidfile ${path} busybox`)).exitCode, 125);
    assert.equal(daemon.requests.length, 1);
  });
  await rm(path);
  await withDaemon({ 'POST /containers/create': fails(409, 'Conflict') }, async (run) => {
    await run(`create --cidfile ${path} busybox`);
    await assert.rejects(access(path));
  });
  await rm(folder, { recursive: true });
});
