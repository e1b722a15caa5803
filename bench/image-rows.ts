import { bigArchive, layeredArchive } from './big-image.ts';
import type { BenchEngine } from './engines.ts';
import { run, timed } from './measure.ts';
import type { Row } from './row.ts';

const docker = (engine: BenchEngine, ...args: string[]) => run([...engine.cli, ...args]);

const saveRow = (name: string, reference: string, archive: () => Promise<string>): Row => ({
  name: `save ${name}`,
  unit: 'ms',
  samples: 3,
  goal: '<= 1/5',
  before: async (engine) => void (await docker(engine, 'load', '-q', '-i', await archive())),
  async measure(engine) {
    const path = `${await archive()}.saved`;
    const ms = await timed(() => docker(engine, 'save', '-o', path, reference));
    await run(['rm', path]);
    return ms;
  },
});

const loadLayered: Row = {
  name: 'load 60 layers, 300 MB',
  unit: 'ms',
  samples: 3,
  goal: '<= 1/5',
  async measure(engine) {
    await run([...engine.cli, 'rmi', '-f', 'layered:latest'], { quiet: true });
    await run(['sync']);
    return timed(async () => docker(engine, 'load', '-q', '-i', await layeredArchive()));
  },
};

const removeLayered: Row = {
  name: 'rmi of 60 layers',
  unit: 'ms',
  samples: 3,
  goal: '-',
  async measure(engine) {
    await docker(engine, 'load', '-q', '-i', await layeredArchive());
    await run(['sync']);
    return timed(() => docker(engine, 'rmi', 'layered:latest'));
  },
};

const CHANGED = 'for d in 1 2 3 4 5 6 7 8 9 10; do mkdir /d$d; for f in $(seq 500); do echo $f > /d$d/$f; done; done';

/** What `ps -s` and `diff` ask of the driver: the seed's DiffSize and Changes. */
const changedRow = (name: string, ask: (engine: BenchEngine) => Promise<unknown>): Row => ({
  name: `${name}, 5,000 files`,
  unit: 'ms',
  samples: 15,
  goal: '<= 1',
  before: async (engine) => void (await docker(engine, 'run', '--name', 'changed', 'busybox', 'sh', '-c', CHANGED)),
  measure: (engine) => timed(() => ask(engine)),
  after: async (engine) => void (await docker(engine, 'rm', 'changed')),
});

/** Images out of and into the engine. */
export const IMAGE_ROWS: Row[] = [
  saveRow('600 MB, 33k files', 'big:latest', bigArchive),
  loadLayered,
  saveRow('60 layers, 300 MB', 'layered:latest', layeredArchive),
  removeLayered,
  changedRow('size of a container (inspect -s)', (engine) =>
    docker(engine, 'inspect', '-s', '--type', 'container', 'changed'),
  ),
  changedRow('diff of a container', (engine) => docker(engine, 'diff', 'changed')),
];
