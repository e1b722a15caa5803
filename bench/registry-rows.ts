import { bigArchive, layeredArchive } from './big-image.ts';
import type { BenchEngine } from './engines.ts';
import { run, timed } from './measure.ts';
import { type BenchRegistry, publish, startRegistry } from './registry.ts';
import type { Row } from './row.ts';

const registries = new Map<BenchEngine, BenchRegistry>();

/** podman asks for TLS, also on the loopback. */
const plain = ({ name }: BenchEngine) => (name === 'podman' ? ['--tls-verify=false'] : []);

const pullRow = (name: string, repository: string, archive: () => Promise<string>, goal: string): Row => ({
  name: `pull ${name}, local registry`,
  unit: 'ms',
  samples: 3,
  goal,
  async before(engine) {
    const registry = await startRegistry(engine.netns);
    registries.set(engine, registry);
    await publish(registry, engine.netns, await archive(), repository);
    await run([...engine.cli, 'rmi', '-f', `${repository}:latest`], { quiet: true }); // of a row before: it has the layers
  },
  async measure(engine) {
    const image = `${registries.get(engine)!.host}/${repository}:latest`;
    await run([...engine.cli, 'rmi', '-f', image], { quiet: true });
    await run(['sync']);
    return timed(() => run([...engine.cli, 'pull', '-q', ...plain(engine), image]));
  },
  async after(engine) {
    const registry = registries.get(engine)!;
    await run([...engine.cli, 'rmi', '-f', `${registry.host}/${repository}:latest`], { quiet: true });
    await registry.stop();
  },
});

/** Images from and to a registry in the engine's own namespace. */
export const REGISTRY_ROWS: Row[] = [
  pullRow('600 MB, 33k files', 'big', bigArchive, '<= 1/9'),
  pullRow('60 layers, 300 MB', 'layered', layeredArchive, '<= 1/9'),
];
