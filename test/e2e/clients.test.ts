/** Programs drive the engine through dockerode and docker-py, unchanged. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { defaultDriver } from '#test/support/driver.ts';
import { busyboxArchive } from '#test/support/images.ts';

let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon({ busybox: false });
});
after(() => daemon.close());

describe('dockerode', () => {
  let docker: Docker;
  before(async () => {
    docker = new Docker({ socketPath: daemon.socket });
    const progress = await docker.loadImage(createReadStream(await busyboxArchive()));
    assert.match(await text(progress), /Loaded image: busybox:latest/);
  });

  /** Splits a multiplexed stream until it ends. */
  async function demultiplexed(stream: NodeJS.ReadableStream): Promise<{ stdout: string; stderr: string }> {
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    docker.modem.demuxStream(stream, stdout, stderr);
    stream.once('end', () => {
      stdout.end();
      stderr.end();
    });
    const [out, err] = await Promise.all([text(stdout), text(stderr)]);
    return { stdout: out, stderr: err };
  }

  test('lists, creates, attaches, starts, waits, logs and removes', async () => {
    assert.deepEqual(
      (await docker.listImages()).map(({ RepoTags }) => RepoTags),
      [['busybox:latest']],
    );
    const script = 'read line; echo "out $line"; echo err >&2; exit 3';
    const container = await docker.createContainer({
      Image: 'busybox',
      name: 'rode',
      Cmd: ['sh', '-c', script],
      OpenStdin: true,
      StdinOnce: true,
      Labels: { by: 'dockerode' },
    });
    const stream = await container.attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true });
    const output = demultiplexed(stream);
    await container.start();
    const exit = container.wait();
    stream.write('hello\n');
    stream.end();
    assert.deepEqual(await output, { stdout: 'out hello\n', stderr: 'err\n' });
    assert.deepEqual(await exit, { StatusCode: 3 });
    const logs = await container.logs({ follow: true, stdout: true, stderr: true });
    assert.deepEqual(await demultiplexed(logs), { stdout: 'out hello\n', stderr: 'err\n' });
    const listed = await docker.listContainers({ all: true, filters: { label: ['by=dockerode'] } });
    assert.deepEqual(
      listed.map(({ Names, State }) => [Names, State]),
      [[['/rode'], 'exited']],
    );
    assert.equal((await container.inspect()).State.ExitCode, 3);
    await container.remove();
    await assert.rejects(container.inspect(), { statusCode: 404 });
  });

  test('a terminal is one raw stream, and is resized', async () => {
    const container = await docker.createContainer({ Image: 'busybox', Cmd: ['sh'], Tty: true, OpenStdin: true });
    const stream = await container.attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true });
    let shown = '';
    stream.on('data', (chunk) => (shown += chunk));
    const ended = once(stream, 'end');
    await container.start();
    await container.resize({ h: 33, w: 77 });
    stream.write('stty size; exit 5\n');
    await ended;
    assert.match(shown, /\r\n33 77\r\n/);
    assert.deepEqual(await container.wait(), { StatusCode: 5 });
    await container.remove();
  });

  test('logs follow a running container to its end', async () => {
    const [output, container] = await (async () => {
      const script = 'for i in 1 2 3 4 5; do echo $i; sleep 0.05; done';
      const made = await docker.createContainer({ Image: 'busybox', Cmd: ['sh', '-c', script] });
      await made.start();
      return [await made.logs({ follow: true, stdout: true, stderr: true, tail: 100 }), made] as const;
    })();
    assert.equal((await demultiplexed(output)).stdout, '1\n2\n3\n4\n5\n');
    await container.remove({ force: true });
  });

  test('events are told while they happen', async () => {
    const stream = await docker.getEvents({ filters: { type: ['container'] } });
    let seen = '';
    stream.on('data', (chunk) => (seen += chunk));
    const container = await docker.createContainer({ Image: 'busybox', Cmd: ['true'] });
    await container.start();
    await container.wait();
    await container.remove();
    while (!seen.includes('destroy')) await once(stream, 'data');
    const actions = seen
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).Action);
    assert.deepEqual(actions, ['create', 'start', 'die', 'destroy']);
    (stream as unknown as { destroy(): void }).destroy();
  });

  test('exec: streams, input, a terminal and its size, inspect', async () => {
    const container = await docker.createContainer({ Image: 'busybox', Cmd: ['sleep', '1000'] });
    await container.start();
    const script = 'read line; echo "out $line"; echo err >&2; exit 3';
    const exec = await container.exec({
      Cmd: ['sh', '-c', script],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
    });
    const stream = await exec.start({ hijack: true, stdin: true });
    const output = demultiplexed(stream);
    stream.end('hello\n');
    assert.deepEqual(await output, { stdout: 'out hello\n', stderr: 'err\n' });
    const { ExitCode, Running } = await exec.inspect();
    assert.deepEqual([ExitCode, Running], [3, false]);

    const shell = await container.exec({ Cmd: ['sh'], Tty: true, AttachStdin: true, AttachStdout: true });
    const terminal = await shell.start({ hijack: true, stdin: true, Tty: true });
    let shown = '';
    terminal.on('data', (chunk) => (shown += chunk));
    const ended = once(terminal, 'end');
    await shell.resize({ h: 33, w: 77 });
    terminal.write('stty size; exit 5\n');
    await ended;
    assert.match(shown, /\r\n33 77\r\n/);
    assert.equal((await shell.inspect()).ExitCode, 5);

    const left = await container.exec({ Cmd: ['sleep', '1000'] });
    await left.start({ Detach: true });
    assert.equal((await left.inspect()).Running, true);
    assert.deepEqual((await container.inspect()).ExecIDs, [left.id]);
    await container.remove({ force: true });
    await assert.rejects(left.inspect(), { statusCode: 404 });
  });

  test('what is not there yet says so', async () => {
    await assert.rejects(docker.buildImage(Readable.from(Buffer.alloc(1024))), { statusCode: 501 });
  });
});

describe('docker-py', () => {
  const PRELUDE = `
import docker, sys, socket
client = docker.DockerClient(base_url=sys.argv[1])
`;
  /** Runs a script whose assertions must hold. */
  async function python(script: string): Promise<void> {
    const { stdout } = await promisify(execFile)('/usr/bin/python3', [
      '-c',
      `${PRELUDE}${script}\nprint("done")`,
      daemon.host,
      await busyboxArchive(),
    ]);
    assert.equal(stdout, 'done\n');
  }

  test('images: load, list, tag, inspect, remove', () =>
    python(`
with open(sys.argv[2], "rb") as archive: loaded = client.images.load(archive)
assert [i.tags for i in loaded] == [["busybox:latest"]], loaded
assert loaded[0].tag("py/one", "v1")
assert sorted(client.images.get("py/one:v1").tags) == ["busybox:latest", "py/one:v1"]
assert [i.id for i in client.images.list("py/one")] == [loaded[0].id]
client.images.remove("py/one:v1")
try: client.images.get("py/one:v1"); assert False
except docker.errors.ImageNotFound as e: assert e.status_code == 404
assert loaded[0].history()[0]["Id"] == loaded[0].id
`));

  test('containers.run gives output, raises on failure, and streams', () =>
    python(`
assert client.containers.run("busybox", ["echo", "hi"], remove=True) == b"hi\\n"
try: client.containers.run("busybox", ["sh", "-c", "echo bad >&2; exit 4"], remove=True); assert False
except docker.errors.ContainerError as e: assert e.exit_status == 4 and b"bad" in e.stderr, e
try: client.containers.run("busybox", ["no-such-program"], remove=True); assert False
except docker.errors.APIError as e: assert "executable file not found" in e.explanation, e
c = client.containers.run("busybox", ["sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.05; done"], detach=True)
assert b"".join(c.logs(stream=True, follow=True)) == b"1\\n2\\n3\\n"
assert c.wait()["StatusCode"] == 0
assert c.logs(tail=1) == b"3\\n"
c.reload(); assert c.status == "exited"
c.remove()
`));

  test('attach_socket: what goes in comes out', () =>
    python(`
c = client.containers.create("busybox", "cat", stdin_open=True, name="sock")
s = c.attach_socket(params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
c.start()
s._sock.sendall(b"over the socket\\n")
head = s.read(8)
assert head[0] == 1 and int.from_bytes(head[4:], "big") == 16, head
assert s.read(16) == b"over the socket\\n"
s.close()
c.stop(timeout=0)
assert c.wait()["StatusCode"] == 137
c.remove()
`));

  test('exec_run, exec_create, exec_start with streams, a socket and a terminal', () =>
    python(`
c = client.containers.run("busybox", ["sleep", "1000"], detach=True, name="execs", environment={"OWN": "1"})
assert c.exec_run("echo hi") == (0, b"hi\\n")
assert c.exec_run(["sh", "-c", "echo out; echo err >&2; exit 4"], demux=True) == (4, (b"out\\n", b"err\\n"))
assert c.exec_run("sh -c 'echo $OWN $A $(id -u) $(pwd)'", environment={"A": "2"}, user="65534", workdir="/tmp").output == b"1 2 65534 /tmp\\n"
assert c.exec_run("tty", tty=True).output == b"/dev/pts/0\\r\\n"
assert b"".join(c.exec_run("seq 3", stream=True).output) == b"1\\n2\\n3\\n"
code, output = c.exec_run("missing")
assert code == 126 and b"executable file not found" in output, output
assert c.exec_run("sleep 1000", detach=True).exit_code is None
s = c.exec_run("cat", stdin=True, socket=True).output
s._sock.sendall(b"over the socket\\n"); s._sock.shutdown(socket.SHUT_WR)
assert s.read(24)[8:] == b"over the socket\\n"
s.close()
api = client.api
e = api.exec_create(c.id, "sh -c 'stty size; exit 6'", tty=True, privileged=True)
assert api.exec_inspect(e["Id"])["ProcessConfig"]["privileged"] is True
api.exec_start(e["Id"], tty=True)
assert api.exec_inspect(e["Id"])["ExitCode"] == 6
try: api.exec_start(e["Id"], detach=True); assert False
except docker.errors.APIError as error: assert error.status_code == 409 and "has already run" in error.explanation
c.remove(force=True)
try: api.exec_inspect(e["Id"]); assert False
except docker.errors.NotFound: pass
`));

  test('life cycle, filters, ports, volumes, events', () =>
    python(`
events = client.events(decode=True, filters={"container": "cycle"})
c = client.containers.run("busybox", ["sleep", "1000"], detach=True, name="cycle", labels={"a": "b"}, ports={"80/tcp": ("127.0.0.1", None)}, volumes={"pydata": {"bind": "/data", "mode": "rw"}}, environment={"X": "1"}, mem_limit="64m")
assert [x.name for x in client.containers.list(filters={"label": "a=b"})] == ["cycle"]
c.reload()
assert c.ports["80/tcp"][0]["HostIp"] == "127.0.0.1" and int(c.ports["80/tcp"][0]["HostPort"]) > 0
assert c.attrs["HostConfig"]["Memory"] == 64 << 20
assert c.attrs["Mounts"][0]["Name"] == "pydata"
c.restart(timeout=0)
c.kill()
assert c.wait()["StatusCode"] == 137
c.remove()
try: client.containers.get("cycle"); assert False
except docker.errors.NotFound: pass
seen = []
for e in events:
  seen.append(e["Action"])
  if e["Action"] == "destroy": break
assert seen == ["create", "start", "kill", "kill", "die", "stop", "start", "restart", "kill", "die", "destroy"], seen
client.volumes.get("pydata").remove()
assert client.ping() and client.version()["ApiVersion"] == "1.51" and client.info()["Driver"] == "${defaultDriver}"
`));
});
