import { bigArchive, layeredArchive } from './big-image.ts';
import type { BenchEngine } from './engines.ts';
import { run, timed } from './measure.ts';
import type { Row } from './rows.ts';

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

/** Images out of and into the engine. */
export const IMAGE_ROWS: Row[] = [
  saveRow('600 MB, 33k files', 'big:latest', bigArchive),
  loadLayered,
  saveRow('60 layers, 300 MB', 'layered:latest', layeredArchive),
];
