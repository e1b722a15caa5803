/** The recorded create requests against a whole daemon: what it refuses, warns about and echoes is what dockerd did. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { NO_APPARMOR } from '#daemon/create/judge-host-config.ts';
import { LATER } from '#daemon/create/later.ts';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { DOCKERD_CASES, type DockerdCase, expectedInspect, IMAGES, placeCases } from '#test/support/dockerd-cases.ts';
import { busyboxLayer, makeArchive } from '#test/support/images.ts';

let daemon: TestDaemon;
let target: string;

before(async () => {
  daemon = await startDaemon({ busybox: false, flags: ['--default-runtime', 'runc'] });
  const bind = join(daemon.folder, 'bind');
  await mkdir(bind);
  await writeFile(join(bind, 'f'), '');
  const layers = [await busyboxLayer()];
  const archive = join(daemon.folder, 'images.tar');
  await makeArchive(
    archive,
    Object.entries(IMAGES).map(([name, config]) => ({ layers, tags: [`${name}:latest`], config: { ...config } })),
  );
  await daemon.ok(['load', '-q', '-i', archive]);
  const created = await call('POST', '/containers/create', {
    Image: 'base',
    Volumes: { '/tv': {} },
    HostConfig: { IpcMode: 'shareable', Binds: [`${bind}:/tb:ro`, 'h7vol6:/tvol'] },
  });
  target = created.body.Id;
});

after(() => daemon.close());

interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: replies of every shape
  body: any;
}

function call(method: string, path: string, body?: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json' };
    const sent = request({ socketPath: daemon.socket, method, path: `/v1.45${path}`, headers }, (response) => {
      const done = response.statusCode === 204 ? Promise.resolve(null) : json(response);
      done.then((parsed) => resolve({ status: response.statusCode!, body: parsed }), reject);
    });
    sent.on('error', reject);
    sent.end(body && JSON.stringify(body));
  });
}

/** Places and names of this run put for those of the recording. */
function placed(dockerd: DockerdCase): DockerdCase {
  const bind = join(daemon.folder, 'bind');
  const [found] = placeCases({ bind, sock: join(bind, 'f') }).filter(({ name }) => name === dockerd.name);
  return JSON.parse(JSON.stringify(found).replaceAll('TARGET', target));
}

const OURS =
  /^(storage-opt|ports-bad|expose-bad|userns-bad|device-badperm|ulimit-|cpu-shares-neg|log-bad|links-bad|volume-config-bad)/;

/**
 * What belongs to another part of the daemon, or to a later release; and `workdir-file`, which is refused at start
 * because creating a container mounts nothing.
 */
const SKIPPED =
  /^(workdir-file|image-|runtime-|network-missing|links-missing|volume-config-over|volumes-from-overridden|mount-volume-subpath|systempaths)/;

for (const dockerd of DOCKERD_CASES.filter(({ name }) => !SKIPPED.test(name))) {
  test(`created as by dockerd: ${dockerd.name}`, async () => {
    const expected = placed(dockerd);
    const body = { Image: 'base', ...expected.config, HostConfig: expected.hostConfig ?? {} };
    const created = await call('POST', '/containers/create', body);
    try {
      assertAnswer(created, expected);
      if (created.status === 201) await assertEcho(created.body.Id, expected);
    } finally {
      if (created.status === 201) await call('DELETE', `/containers/${created.body.Id}?force=1&v=1`);
    }
  });
}

/** Refused at create, or where dockerd refuses only at start possibly there: in its words, or in ours on purpose. */
function assertAnswer({ status, body }: Answer, { name, error, startError, warnings }: DockerdCase): void {
  if (status === 201) {
    assert.equal(error, undefined);
    const ours = [LATER, NO_APPARMOR];
    const dockerds = body.Warnings.filter((warning: string) => !ours.some((start) => warning.startsWith(start)));
    assert.deepEqual(dockerds, warnings ?? []);
    return;
  }
  assert.ok(status >= 400 && status < 500, `${status} ${body.message}`);
  if (OURS.test(name)) return;
  const words = error ?? startError;
  assert.ok(words !== undefined && body.message.startsWith(words), `${body.message}\nexpected: ${words}`);
}

async function assertEcho(id: string, dockerd: DockerdCase): Promise<void> {
  const { body } = await call('GET', `/containers/${id}/json`);
  const fields = new Set([...Object.keys(DOCKERD_CASES[0]!.inspect!), ...Object.keys(dockerd.inspect ?? {})]);
  // Of API 1.44 on the address belongs to the endpoint.
  fields.delete('Config.MacAddress');
  for (const field of fields) {
    const [part, name] = field.split('.') as [string, string | undefined];
    const actual = name ? body[part][name] : body[part];
    assert.deepEqual(comparable(field, actual, id), comparable(field, expectedInspect(dockerd, field), id), field);
  }
}

function comparable(field: string, value: unknown, id: string): unknown {
  const names = JSON.stringify(value ?? null)
    .replaceAll(id.slice(0, 12), '<short>')
    .replaceAll(join(daemon.dataRoot, 'volumes'), '<volumes>')
    .replaceAll(/\b[0-9a-f]{64}\b/g, '<hex64>');
  const parsed = JSON.parse(names);
  if (field === 'Config.Hostname') return hostNameOf(parsed);
  if (field === 'Mounts') return parsed.toSorted((a: Named, b: Named) => (a.Destination < b.Destination ? -1 : 1));
  return stripEmpty(parsed);
}

/** The recording's host and its other container have names of their own. */
function hostNameOf(name: string): string {
  if (name === 'vm' || name === hostname()) return '<host>';
  return /^[0-9a-f]{12}$/.test(name) ? '<other container>' : name;
}

interface Named {
  Destination: string;
}

/** A member that is absent, null, zero or empty says the same. */
function stripEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(stripEmpty);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== null && item !== '' && item !== 0);
  return Object.fromEntries(entries.map(([key, item]) => [key, stripEmpty(item)]));
}
