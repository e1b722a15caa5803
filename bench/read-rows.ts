import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { bigArchive } from './big-image.ts';
import type { BenchEngine } from './engines.ts';
import { run, timed } from './measure.ts';
import type { Row } from './row.ts';

const docker = (engine: BenchEngine, ...args: string[]) => run([...engine.cli, ...args]);

/** Reads of 4 KiB at random places of the largest files of the image, for all engines the same. */
const RANDOM_READS = `
  my @files = sort { -s $b <=> -s $a } glob('/app/node_modules/*/*');
  srand 7;
  for my $path (@files[0 .. 19]) {
    open my $file, '<', $path or die;
    for (1 .. 500) { sysseek $file, int(rand(-s $path)), 0; sysread $file, my $bytes, 4096 }
  }`;

/** What runs in a container of the 600 MB image. */
const WORK: readonly [name: string, command: readonly string[]][] = [
  ['find', ['find', '/app', '-newer', '/etc/passwd', '-size', '+100M']],
  ['grep -r', ['grep', '-rc', 'no such words', '/app']],
  ['start of perl with modules', ['perl', '-MPOSIX', '-MIO::Socket', '-MFile::Temp', '-MGetopt::Long', '-e', '1']],
  ['10,000 random reads', ['perl', '-e', RANDOM_READS]],
];

const pids = new Map<BenchEngine, string>();

/** The command in the container's mounts, without what an exec costs. */
async function inside(engine: BenchEngine, command: readonly string[]): Promise<void> {
  const child = spawn('nsenter', ['-t', pids.get(engine)!, '-m', '-r', '--', ...command], { stdio: 'ignore' });
  const [code] = await once(child, 'exit');
  if (code !== 0 && command[0] !== 'grep') throw new Error(`${command[0]} ended with ${code}`);
}

function readRow(name: string, command: readonly string[], cold: boolean): Row {
  return {
    name: `${cold ? 'cold' : 'warm'} ${name}`,
    unit: 'ms',
    samples: cold ? 3 : 5,
    goal: '<= 1',
    async before(engine) {
      if ((await run([...engine.cli, 'image', 'inspect', 'big:latest'], { quiet: true })).length < 10) {
        await docker(engine, 'load', '-q', '-i', await bigArchive());
      }
      await docker(engine, 'run', '-d', '--name', 'reader', '--network', 'none', 'big:latest', 'sleep', '10000');
      pids.set(engine, (await docker(engine, 'inspect', '-f', '{{.State.Pid}}', 'reader')).trim());
      if (!cold) await inside(engine, command);
    },
    async measure(engine) {
      if (cold) dropCaches();
      return timed(() => inside(engine, command));
    },
    after: async (engine) => void (await docker(engine, 'rm', '-f', 'reader')),
  };
}

function dropCaches(): void {
  execFileSync('sync');
  writeFileSync('/proc/sys/vm/drop_caches', '3');
}

/** Reads in a container whose image has 33,000 files, from the disk and from memory. */
export const READ_ROWS: Row[] = [true, false].flatMap((cold) =>
  WORK.map(([name, command]) => readRow(`${name}, in a container`, command, cold)),
);
