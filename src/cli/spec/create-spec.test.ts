import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runDocker } from '../testing/docker-cli.ts';
import { type FakeDaemon, replyJson, startFakeDaemon } from '../testing/fake-daemon.ts';
import { runInMemory } from '../testing/memory-context.ts';

let daemon: FakeDaemon;
let folder: string;
const env = { PATH: '/usr/bin', FROM_HOST: 'host value' };

before(async () => {
  daemon = await startFakeDaemon({
    apiVersion: '1.45',
    reply: (_request, response) => replyJson(response, 201, { Id: 'c0ffee', Warnings: [] }),
  });
  folder = await mkdtemp(join(tmpdir(), 'wherry-spec-'));
  const file = (name: string, text: string) => writeFile(join(folder, name), text);
  await file('env', '\ufeffA=1\n# comment\n\n  B=two words \r\nFROM_HOST\nNOT_SET\nC=\n');
  await file('labels', 'x=1\nbare\ny=a=b\n');
  await file('seccomp.json', '{\n  "defaultAction": "SCMP_ACT_ALLOW",\n  "note": "a \\" b",  "n": [ 1, 2 ]\n}\n');
});

after(async () => {
  await daemon.close();
  await rm(folder, { recursive: true });
});

const lines = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => line.trim());

/** One command line each; `@` is the folder of test files. Single quotes keep words together. */
const commandLines = lines(`
  busybox
  busybox sh -c 'echo hi' -x --name y
  --name web busybox
  -it busybox
  -i busybox
  -t busybox
  -i -a stdout busybox
  -a stdin -a STDERR busybox
  -a stdin -i busybox
  --entrypoint sh busybox -c true
  --entrypoint '' busybox true
  -e A=1 -e B= -e FROM_HOST -e NOT_SET --env C=3 busybox
  --env-file @/env -e A=2 busybox
  -e A=1 -e B -e A=2 busybox
  -l a=b --label c --label-file @/labels -l x=2 busybox
  -h box --domainname example.org -u 1000:1000 -w /work busybox
  --group-add audio --group-add 44 busybox
  --init busybox
  --init=false busybox
  --stop-signal SIGINT --stop-timeout 0 busybox
  --rm --read-only --privileged busybox
  --annotation a=b --annotation c=d busybox
  --restart always busybox
  --restart on-failure:3 busybox
  --restart unless-stopped busybox
  --restart '' busybox
  --runtime crun busybox
  --log-driver json-file --log-opt max-size=1m --log-opt max-file=3 busybox
  --add-host a:1.2.3.4 --add-host b=::1 --add-host c:[fe80::1] --add-host d:host-gateway busybox
  --dns 1.1.1.1 --dns fe80::1 --dns-option ndots:2 --dns-opt timeout:1 --dns-search example.org --dns-search . busybox
  -p 80 busybox
  -p 8080:80 -p 127.0.0.1:8081:80/tcp -p 53:53/udp busybox
  -p 8000-8002:80-82 busybox
  -p 8000-8010:80 busybox
  -p 127.0.0.1::80 busybox
  -p [::1]:8080:80 busybox
  -p :80 busybox
  -p 90-92/sctp busybox
  -p published=8080,target=80 -p target=81,protocol=udp busybox
  -P --expose 80 --expose 90-92/udp -p 80 busybox
  --network host busybox
  --network none busybox
  --network container:abc busybox
  --network bridge busybox
  --net mine busybox
  --network mine --ip 10.1.2.3 --ip6 fd00::3 --link-local-ip 169.254.1.1 --network-alias a --net-alias b busybox
  --network mine --link other:o --mac-address 02:42:ac:11:00:02 busybox
  --link other --link third:t busybox
  --mac-address 02:42:ac:11:00:02 busybox
  --network name=one,alias=a,alias=b,ip=10.0.0.9,driver-opt=k=v --network two busybox
  --network one --network name=two,ip6=fd00::9,mac-address=02:00:00:00:00:02 --network-alias z busybox
  -v /a:/b -v name:/c:ro -v /anonymous -v /a:/d:ro,rslave busybox
  -v ./here:/x -v .:/y:z busybox
  -v x:/y busybox
  --volume-driver local --volumes-from one --volumes-from two:ro busybox
  --tmpfs /run --tmpfs /tmp:size=1m,mode=1777 busybox
  --mount type=bind,src=/a,dst=/b busybox
  --mount type=bind,source=/a,target=/b,readonly,bind-propagation=rslave,consistency=cached busybox
  --mount type=bind,src=/a,destination=/b,ro=false,bind-recursive=disabled busybox
  --mount type=bind,src=/a,dst=/b,bind-recursive=writable,ro busybox
  --mount type=bind,src=/a,dst=/b,bind-recursive=readonly,readonly,bind-propagation=rprivate busybox
  --mount type=bind,src=./a,dst=/b busybox
  --mount dst=/v busybox
  --mount type=volume,src=v,dst=/v,volume-nocopy,volume-label=a=b,volume-driver=local,volume-opt=o=x,volume-subpath=sub busybox
  --mount 'type=volume,dst=/v,"volume-opt=o=addr=1.2.3.4,rw",volume-opt=type=nfs' busybox
  --mount type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1700 --mount type=tmpfs,target=/u busybox
  --shm-size 64m --storage-opt size=10G busybox
  --shm-size 1.5g busybox
  --cap-add NET_ADMIN --cap-add SYS_TIME --cap-drop ALL busybox
  --cgroupns private --cgroup-parent /x --ipc host --pid host --uts host --userns host busybox
  --pid container:abc --ipc container:abc --cgroupns host busybox
  --ipc shareable busybox
  --security-opt no-new-privileges --security-opt apparmor=unconfined --security-opt label:disable busybox
  --security-opt seccomp=unconfined busybox
  --security-opt seccomp=@/seccomp.json busybox
  --security-opt systempaths=unconfined --security-opt no-new-privileges:true busybox
  --security-opt systempaths=unconfined busybox
  --sysctl net.ipv4.ip_forward=1 --sysctl kernel.shmmax=100 busybox
  -m 128m --memory-reservation 64M --memory-swap -1 --memory-swappiness 0 busybox
  -m 1073741824 --memory-swap 2GiB busybox
  --memory 9223372036854774784 busybox
  --cpus 1.5 busybox
  --cpus .000000001 --cpu-shares 512 -c 256 busybox
  --cpu-period 100000 --cpu-quota -1 --cpu-rt-period 1000000 --cpu-rt-runtime 950000 busybox
  --cpuset-cpus 0-3,5 --cpuset-mems 0 --pids-limit -1 busybox
  --pids-limit 100 --oom-kill-disable --oom-score-adj -500 busybox
  --blkio-weight 300 --blkio-weight-device /dev/sda:200 busybox
  --device /dev/null --device /dev/zero:/dev/x --device /dev/full:/dev/y:r --device /dev/fuse:rw busybox
  --device vendor.com/class=name --device /dev/null busybox
  --device-cgroup-rule 'c 1:3 rwm' --device-cgroup-rule 'b *:* r' busybox
  --gpus all busybox
  --gpus 2 busybox
  --gpus '"device=0,2"' busybox
  --gpus 'driver=nvidia,"capabilities=utility,compute",count=1,options=a=b' busybox
  --ulimit nofile=1024:2048 --ulimit nproc=5 --ulimit nofile=10:20 --ulimit core=-1:-1 busybox
  --health-cmd 'curl -f x' --health-interval 1m30s --health-timeout 500ms --health-retries 3 --health-start-period 1h busybox
  --health-interval 5s --health-start-interval 1.5s busybox
  --no-healthcheck busybox
  --isolation default busybox
  --platform linux/arm64 --pull never -q busybox
  --cidfile @/cid busybox
  --sysctl=net.core.somaxconn=1024 --label=a=b=c -eX=1 -p=81:81 -ve:/e busybox
  --rm=false --tty=1 -i=t -- busybox --rm
`);

const split = (line: string) =>
  (line.match(/(?:'[^']*'|[^\s'])+/g) ?? []).map((word) => word.replaceAll("'", '').replaceAll('@', folder));

/** What does not count: the order of -e, -v and ulimits (Go maps in docker), and a field that docker 26 did not know yet. */
function normalize(body: string): unknown {
  const exact = body.replace(/:(\d{16,})/g, ':"$1"').replace(/,"GwPriority":0/g, '');
  const spec = JSON.parse(exact);
  spec.HostConfig.Ulimits?.sort((a: { Name: string }, b: { Name: string }) => (a.Name < b.Name ? -1 : 1));
  spec.Env?.sort();
  spec.HostConfig.Binds?.sort();
  return spec;
}

test('the body of create equals the one of the docker command line client', async (t) => {
  for (const line of commandLines) {
    await t.test(line, async () => {
      const argv = split(line);
      daemon.requests.length = 0;
      const { stderr } = await runDocker(['create', ...argv], { host: daemon.host, env: { ...env, HOME: folder } });
      const theirs = daemon.requests.pop();
      assert.ok(theirs, `docker sent nothing: ${stderr}`);
      await rm(join(folder, 'cid'), { force: true });
      const { exitCode, stderr: said } = await runInMemory(['create', ...argv], { host: daemon.host, env });
      assert.equal(exitCode, 0, said);
      const ours = daemon.requests.pop()!;
      await rm(join(folder, 'cid'), { force: true });
      assert.deepEqual(normalize(ours.body), normalize(theirs.body));
      assert.deepEqual(ours.query, theirs.query);
    });
  }
});

/** Command lines that docker refuses before it asks the daemon. */
const refused = lines(`
  --unknown busybox
  -Z busybox
  --name
  -m lots busybox
  --cpus x busybox
  --cpus 0.0000000001 busybox
  -p foo busybox
  -p 99999 busybox
  -p 80-70 busybox
  -p 80-82:90-91 busybox
  -p 1.2.3:80:80 busybox
  -p 80:80/foo busybox
  --expose 80:80 busybox
  --mount type=foo busybox
  --mount type=bind,src=/a,dst=/b,tmpfs-size=1m busybox
  --mount type=bind,src=/a,dst=/b,nonsense=1 busybox
  --mount type=bind,src=/a,dst=/b,ro=maybe busybox
  --env-file /nonexistent busybox
  -e =x busybox
  --restart on-failure:x busybox
  --restart :3 busybox
  --rm --restart always busybox
  --pid foo busybox
  --uts foo busybox
  --userns foo busybox
  --cgroupns foo busybox
  --dns foo busybox
  --add-host foo busybox
  --add-host a:b busybox
  --memory-swappiness 101 busybox
  --ulimit nofile busybox
  --ulimit what=1 busybox
  --ulimit nofile=5:2 busybox
  --security-opt foo busybox
  --security-opt seccomp=/nonexistent busybox
  --log-driver none --log-opt a=b busybox
  --storage-opt foo busybox
  --device-cgroup-rule foo busybox
  --device a:b:c:d busybox
  --blkio-weight-device foo busybox
  --blkio-weight-device /dev/sda:5 busybox
  --device-read-bps /dev/sda:x busybox
  --health-interval foo busybox
  --health-interval -5s busybox
  --no-healthcheck --health-cmd true busybox
  --network a --network a busybox
  --network a --network host busybox
  --network name=a,foo=b busybox
  --network-alias x busybox
  --mac-address nope busybox
  -a foo busybox
  --rm=maybe busybox
  --gpus device=0,count=x busybox
  --blkio-weight 70000 busybox
  --pull sometimes busybox
  -v :/y busybox
  -v /a:/b:ro:more busybox
  --cpu-count 2 busybox
  --io-maxiops 10 busybox
`);

test('what docker refuses is refused, without a request', async (t) => {
  for (const line of refused) {
    await t.test(line, async () => {
      const argv = split(line);
      daemon.requests.length = 0;
      const { stderr } = await runDocker(['create', ...argv], { host: daemon.host, env: { ...env, HOME: folder } });
      assert.equal(daemon.requests.length, 0, 'docker refuses it');
      const ours = await runInMemory(['create', ...argv], { host: daemon.host, env });
      assert.equal(daemon.requests.length, 0, 'we refuse it');
      assert.notEqual(ours.exitCode, 0);
      assert.notEqual(ours.stderr.trim(), '', stderr);
    });
  }
});

test('rates of devices reach the daemon', async () => {
  daemon.requests.length = 0;
  // Not compared: docker 26 loses these (it copies them into an empty list).
  const rates =
    '--device-read-bps /dev/sda:1mb --device-write-bps /dev/sda:2kb --device-read-iops /dev/sda:3 --device-write-iops /dev/sdb:4';
  await runInMemory(['create', ...split(rates), 'busybox'], { host: daemon.host, env });
  const { HostConfig } = JSON.parse(daemon.requests.pop()!.body);
  assert.deepEqual(HostConfig.BlkioDeviceReadBps, [{ Path: '/dev/sda', Rate: 1 << 20 }]);
  assert.deepEqual(HostConfig.BlkioDeviceWriteBps, [{ Path: '/dev/sda', Rate: 2048 }]);
  assert.deepEqual(HostConfig.BlkioDeviceReadIOps, [{ Path: '/dev/sda', Rate: 3 }]);
  assert.deepEqual(HostConfig.BlkioDeviceWriteIOps, [{ Path: '/dev/sdb', Rate: 4 }]);
});
