import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { bigArchive, layeredArchive } from './big-image.ts';
import type { BenchEngine } from './engines.ts';
import { run, timed } from './measure.ts';
import { type BenchRegistry, startRegistry } from './registry.ts';
import type { Row } from './row.ts';

const registries = new Map<BenchEngine, BenchRegistry>();
const storageOf = ({ name }: BenchEngine) => resolve(import.meta.dirname, `../.cache/bench-pushed-${name}`);
const plain = ({ name }: BenchEngine) => (name === 'podman' ? ['--tls-verify=false'] : []);

interface Image {
  name: string;
  reference: string;
  archive: () => Promise<string>;
}

const IMAGES: Image[] = [
  { name: '600 MB, 33k files', reference: 'big:latest', archive: bigArchive },
  { name: '60 layers, 300 MB', reference: 'layered:latest', archive: layeredArchive },
];

const target = (engine: BenchEngine, repository: string) => `${registries.get(engine)!.host}/${repository}:latest`;

async function push(engine: BenchEngine, reference: string, repository: string): Promise<number> {
  const name = target(engine, repository);
  await run([...engine.cli, 'tag', reference, name]);
  await run(['sync']);
  return timed(() => run([...engine.cli, 'push', '-q', ...plain(engine), name]));
}

/** What the three kinds of push have in common; `prepare` once, `measure` each time. */
function pushRow(image: Image, kind: string, goal: string, row: Pick<Row, 'measure'> & Partial<Row>): Row {
  return {
    name: `push ${image.name}, ${kind}`,
    unit: 'ms',
    samples: 3,
    goal,
    async before(engine) {
      rmSync(storageOf(engine), { recursive: true, force: true });
      registries.set(engine, await startRegistry(engine.netns, storageOf(engine)));
      await run([...engine.cli, 'load', '-q', '-i', await image.archive()]);
      await row.before?.(engine);
    },
    measure: row.measure,
    async after(engine) {
      await row.after?.(engine);
      await registries.get(engine)!.stop();
      rmSync(storageOf(engine), { recursive: true, force: true });
      await run([...engine.cli, 'rmi', '-f', image.reference], { quiet: true });
    },
  };
}

let samples = 0;

/** Nothing is there yet: neither the repository nor any of its layers. */
const fresh = (image: Image): Row =>
  pushRow(image, 'nothing there', '<= 1/5', {
    measure: async (engine) => {
      rmSync(join(storageOf(engine), 'docker'), { recursive: true, force: true });
      return push(engine, image.reference, `fresh-${samples++}`);
    },
  });

const unchanged = (image: Image): Row =>
  pushRow(image, 'unchanged', '<= 1/2', {
    before: async (engine) => void (await push(engine, image.reference, 'unchanged')),
    measure: (engine) => push(engine, image.reference, 'unchanged'),
  });

/** A file more, on top of what is there. */
const changed = (image: Image): Row =>
  pushRow(image, 'one new layer', '<= 1', {
    before: async (engine) => {
      await push(engine, image.reference, 'changed');
      await run([...engine.cli, 'create', '--name', 'changed', image.reference, 'x']);
    },
    measure: async (engine) => {
      const file = `${storageOf(engine)}-file`;
      writeFileSync(file, `${samples++}`);
      await run([...engine.cli, 'cp', file, 'changed:/file']);
      await run([...engine.cli, 'commit', 'changed', 'changed:latest']);
      rmSync(file);
      return push(engine, 'changed:latest', 'changed');
    },
    after: async (engine) => {
      await run([...engine.cli, 'rm', '-f', 'changed']);
      await run([...engine.cli, 'rmi', '-f', 'changed:latest'], { quiet: true });
    },
  });

/** Images to a registry in the engine's own namespace. */
export const PUSH_ROWS: Row[] = IMAGES.flatMap((image) => [fresh(image), unchanged(image), changed(image)]);
