/** What the lists and inspect print, beside what docker's own client prints of the same objects. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { runDocker } from '../testing/docker-cli.ts';
import { type FakeDaemon, startFakeDaemon } from '../testing/fake-daemon.ts';
import { runInMemory } from '../testing/memory-context.ts';
import {
  sampleContainers,
  sampleDiskUsage,
  sampleEvents,
  sampleHistory,
  sampleImages,
  sampleInspect,
  samplePrune,
} from '../testing/sample-objects.ts';

let daemon: FakeDaemon;

const withDigits = (value: unknown) =>
  JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? `digits:${item}` : item)).replace(
    /"digits:(\d+)"/g,
    '$1',
  );

const answers: Record<string, string> = {
  '/containers/json': withDigits(sampleContainers),
  '/images/json': withDigits(sampleImages),
  '/system/df': withDigits(sampleDiskUsage),
  '/images/prune': withDigits(samplePrune),
  '/containers/prune': withDigits({ ContainersDeleted: ['c1', 'c2'], SpaceReclaimed: 5000 }),
  '/networks/prune': withDigits({ NetworksDeleted: null }),
  '/volumes/prune': withDigits({ VolumesDeleted: ['v1'], SpaceReclaimed: 7 }),
  '/build/prune': withDigits({ CachesDeleted: null, SpaceReclaimed: 0 }),
  '/images/busybox/history': withDigits(sampleHistory),
  '/events': sampleEvents.map(withDigits).join('\n'),
  '/containers/web/json': withDigits(sampleInspect),
  '/containers/other/json': withDigits({ ...sampleInspect, Name: '/other' }),
};

before(async () => {
  daemon = await startFakeDaemon({
    apiVersion: '1.45',
    reply: ({ path }, response) => {
      const answer = answers[path];
      response.statusCode = answer ? 200 : 404;
      response.setHeader('Content-Type', 'application/json');
      response.end(answer ?? JSON.stringify({ message: `No such container: ${path.split('/')[2]}` }));
    },
  });
});

after(() => daemon.close());

/** Again where they differ: between the two a second may have gone by, and both say how long ago things were. */
async function compare(argv: string[], again = 3): Promise<void> {
  const theirs = await runDocker(argv, { host: daemon.host });
  const ours = await runInMemory(argv, { host: daemon.host });
  if (again > 0 && ours.stdout !== theirs.stdout) return compare(argv, again - 1);
  assert.equal(ours.stdout, theirs.stdout);
  assert.equal(ours.exitCode, theirs.exitCode, ours.stderr + theirs.stderr);
}

const lists = [
  ['ps'],
  ['ps', '-a', '--no-trunc'],
  ['ps', '-s'],
  ['ps', '-q'],
  ['ps', '-q', '--no-trunc'],
  ['ps', '--format', 'json'],
  ['ps', '--format', 'table'],
  ['ps', '--format', '{{json .}}'],
  ['ps', '--format', '{{json .Names}} {{json .Labels}}'],
  ['ps', '--format', 'table {{.ID}}\\t{{.Names}}\\t{{.Label "com.example.owner-name"}}'],
  ['ps', '--format', 'table {{.Names}} {{.Status}}\\t{{upper .State}}\\t{{.Ports}}'],
  ['ps', '--format', '{{.ID}}: {{.Command}} {{.RunningFor}} {{.CreatedAt}} {{.Size}}'],
  ['ps', '--format', '{{.Mounts}} {{.LocalVolumes}} {{.Networks}} {{.Image}}', '--no-trunc'],
  ['ps', '--format', '{{.Mounts}} {{.LocalVolumes}} {{.Networks}} {{.Image}}'],
  ['ps', '--format', '{{.Label "b"}}|{{.Label "none"}}'],
  ['ps', '--format', '{{if eq .State "exited"}}{{.Names}}{{else}}-{{end}}'],
  ['ps', '--format', '{{range split .Names "-"}}[{{.}}]{{end}}'],
  ['ps', '--format', '{{pad .ID 2 3}}|{{truncate .Names 3}}|{{title .State}}|{{printf "%-20s|%5s" .Image .State}}'],
  ['ps', '-q', '--format', '{{.Names}}'],
  ['images', '-q', '--format', '{{.Repository}}'],
  ['images'],
  ['images', '-q'],
  ['images', '-q', '--no-trunc'],
  ['images', '--digests'],
  ['images', '--no-trunc'],
  ['images', '--format', 'json'],
  [
    'images',
    '--format',
    '{{.Repository}}:{{.Tag}} {{.ID}} {{.Size}} {{.VirtualSize}} {{.CreatedSince}} {{.Containers}}',
  ],
  ['images', '--format', '{{.Repository}}@{{.Digest}}'],
  ['images', '--format', 'table {{.Repository}}\\t{{.Digest}}\\t{{.UniqueSize}}\\t{{.SharedSize}}'],
  ['history', 'busybox'],
  ['history', 'busybox', '--no-trunc'],
  ['history', 'busybox', '-q'],
  ['history', 'busybox', '--human=false'],
  ['history', 'busybox', '-H=false', '--format', 'table {{.CreatedAt}} {{.CreatedSince}}\\t{{.Size}}'],
  ['history', 'busybox', '--format', 'json'],
  ['system', 'df'],
  ['system', 'df', '-v'],
  ['system', 'df', '--format', 'json'],
  ['system', 'df', '--format', 'table {{.Type}}\\t{{.Active}} of {{.TotalCount}}\\t{{.Reclaimable}}'],
  ['system', 'df', '-v', '--format', 'json'],
  ['system', 'df', '-v', '--format', '{{range .Volumes}}{{.Name}}={{.Size}} {{end}}{{len .Images}}'],
  ['image', 'prune'],
  ['image', 'prune', '-af'],
  ['system', 'prune'],
  ['system', 'prune', '-a', '--filter', 'until=2h', '--filter', 'label=x'],
  ['system', 'prune', '-f', '--volumes'],
  ['system', 'prune', '--volumes', '--filter', 'until=2h'],
  ['events', '--since', '1h', '--until', '0s'],
  ['events', '--format', '{{.Type}} {{.Action}} {{.Actor.Attributes.name}} {{.TimeNano}} {{.Status}}'],
];

test('lists read like those of docker', async (t) => {
  for (const argv of lists) await t.test(argv.join(' '), () => compare(argv));
});

const inspects = [
  ['web'],
  ['web', 'other'],
  ['web', 'missing'],
  ['missing'],
  ['-f', 'json', 'web'],
  ['-f', '{{.Name}}', 'web', 'other'],
];

test('inspect prints what the daemon says, as docker does', async (t) => {
  for (const argv of inspects) await t.test(argv.join(' '), () => compare(['inspect', '--type', 'container', ...argv]));
});

const templates = [
  'plain text, {{"a string"}} {{`raw\\n`}} {{\'x\'}} {{12}} {{-3}} {{0x1F}} {{1.5}} {{1e3}} {{true}}',
  '{{.Id}} {{.Name}} {{.Path}} {{.Args}} {{.RestartCount}}',
  '{{.State.Running}} {{.State.Pid}} {{.State.Status}} {{.State.ExitCode}} {{.State.StartedAt}}',
  '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.RestartPolicy.Name}}:{{.HostConfig.RestartPolicy.MaximumRetryCount}}',
  '{{.HostConfig.LogConfig.Type}} {{.HostConfig.LogConfig.Config}} {{.HostConfig.Binds}} {{.HostConfig.CapAdd}}',
  '{{.HostConfig.PidsLimit}} {{.HostConfig.Ulimits}} {{.HostConfig.Devices}} {{.HostConfig.Sysctls}} {{.HostConfig.Runtime}}|',
  '{{json .Config.Labels}} {{json .Config.Env}} {{json .Name}} {{json .State.Running}} {{json .HostConfig.CapAdd}}',
  '{{json .Mounts}}',
  '{{json .NetworkSettings.Ports}}',
  '{{.Config.Labels}} {{index .Config.Labels "com.example.x"}} {{index .Config.Labels "none"}}|{{.Config.Labels.b}}',
  '{{.Config.Labels.none}}',
  '{{range .Config.Env}}{{println .}}{{end}}',
  '{{range $i, $e := .Config.Env}}{{$i}}={{$e}};{{end}}',
  '{{range $k, $v := .Config.Labels}}{{$k}}->{{$v}} {{end}}',
  '{{range $p, $c := .NetworkSettings.Ports}}{{$p}}: {{range $c}}{{.HostIp}}:{{.HostPort}} {{end}}{{end}}',
  '{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}',
  '{{with index .NetworkSettings.Ports "80/tcp"}}{{(index . 1).HostIp}}{{end}}',
  '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}{{.NetworkSettings.Networks.bridge.Gateway}}',
  '{{range .HostConfig.CapAdd}}x{{else}}none{{end}} {{len .Config.Env}} {{len .Name}} {{len .HostConfig.CapAdd}}',
  '{{if .State.Health}}{{.State.Health.Status}}{{else}}no health{{end}}',
  '{{if and .State.Running (not .State.Paused)}}up{{else if .State.Dead}}dead{{else}}down{{end}}',
  '{{if or .State.Paused .State.Dead}}a{{end}}{{and 1 0}}{{or "" "b"}}{{not 0}}',
  '{{eq .State.Status "running"}} {{ne 1 2}} {{lt 1 2}} {{le 2 2}} {{gt "a" "b"}} {{ge 1.5 1.5}} {{eq 3 1 2 3}}',
  '{{- .Name -}}   x   {{- /* a comment */ -}}  y {{/* other */}}',
  '{{$x := .Name}}{{$y := "a"}}{{$y = "b"}}{{$x}}{{$y}}{{$.Path}}',
  '{{with .State}}{{.Status}} {{$.Name}}{{end}}{{with .Config.Entrypoint}}x{{else}}nothing{{end}}',
  '{{.Name | printf "%q" | upper}} {{.Config.Env | len | printf "%03d"}} {{.Id | }}',
  '{{join .Args ", "}} {{split .Path "e"}} {{lower "ABC"}} {{upper .Path}} {{title "ab cd"}} {{truncate .Path 2}}',
  '{{printf "%s|%10s|%-10s|%q|%v|%d|%05d|%x|%X|%t|%%" .Path .Path .Path .Path .Args 5 42 255 255 true}}',
  '{{printf "%.2f %6.1f %e %g %v %c %U %b %o %+d" 3.14159 2.5 1500.0 0.00001 1e21 65 65 5 8 3}}',
  '{{printf "%d %s" "x" 1}} {{printf "%s"}} {{printf "%s" 1 2}} {{printf "%!" }}',
  '{{printf "%5t|%v|%s|%x" true .Config.Env .Args "hex"}}',
  '{{print 1 2 "a" "b" 3 4}} {{println "x" 1}}{{print .State.Pid .State.Running}}',
  '{{slice .Path 1 3}} {{slice .Args 1}} {{index .Args 0}} {{index .Config.Env 1}}',
  '{{range .Args}}{{if eq . "100"}}{{continue}}{{end}}{{.}}{{break}}{{end}}',
  '{{.Config.Cmd}} {{.Config.Entrypoint}} {{.Config.Volumes}} {{.Config.OnBuild}}',
  '{{json .State.Health}} {{.SizeRw}}',
  '{{len (slice .Id 0 12)}} {{(index .Mounts 0).Name}} {{range .Mounts}}{{.Type}}:{{.Source}}:{{.RW}}{{end}}',
];

/** Faults; docker says the same. */
const faults = [
  '{{.Nope}}',
  '{{.State.Health.Status}}',
  '{{.State.Nope.More}}',
  '{{.Name.Foo}}',
  '{{.Id',
  '{{.Id}} {{end}}',
  '{{if .Id}}',
  '{{range .Id}}{{end}}',
  '{{nofunction .Id}}',
  '{{$undefined}}',
  '{{}}',
  '{{"unterminated}}',
  '{{index .Args 9}}',
  '{{index .Name "x"}}',
  '{{eq .Name 1}}',
  '{{len 3}}',
  '{{upper 3}}',
  '{{join .Name}}',
  '{{(.Id}}',
  '{{.Id)}}',
  '{{else}}',
  '{{break}}',
  '{{1 .Id}}',
  '{{/* a }}',
  '{{.Id 3}}',
  '{{not}}',
];

test('templates give what they give in docker', async (t) => {
  for (const template of templates) {
    await t.test(template, () => compare(['inspect', '--type', 'container', '-f', template, 'web']));
  }
});

test('a template that does not fit fails as in docker', async (t) => {
  for (const template of faults) {
    await t.test(template, async () => {
      const argv = ['inspect', '--type', 'container', '-f', template, 'web'];
      const theirs = await runDocker(argv, { host: daemon.host });
      const ours = await runInMemory(argv, { host: daemon.host });
      assert.notEqual(theirs.exitCode, 0, 'docker refuses it');
      assert.equal(ours.exitCode, theirs.exitCode, `${ours.stderr} / ${theirs.stderr}`);
      assert.equal(ours.stdout, theirs.stdout);
      assert.match(ours.stderr, /^template parsing error: template: :1/);
    });
  }
});
