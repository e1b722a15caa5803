/** `main.ts [word ...]`: the rows whose names contain one of the words, all of them without words. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { resolve } from 'node:path';
import { busyboxArchive } from '../test/support/images.ts';
import { type BenchEngine, completeCgroups, preparePodman, removeBase, startDockerd, startWherry } from './engines.ts';
import { median, run } from './measure.ts';
import type { Row } from './row.ts';
import { ROWS } from './rows.ts';

interface Result {
  name: string;
  unit: string;
  goal: string;
  medians: Record<string, number | undefined>;
  samples: Record<string, number[]>;
}

async function measureRow(row: Row, engines: BenchEngine[]): Promise<Result> {
  const samples: Record<string, number[]> = Object.fromEntries(engines.map(({ name }) => [name, []]));
  for (const engine of engines) await row.before?.(engine);
  for (let i = 0; i < row.samples; i++) {
    for (const engine of engines) {
      const value = await row.measure(engine);
      if (value !== undefined) samples[engine.name]!.push(value);
    }
  }
  for (const engine of engines) await row.after?.(engine);
  const medians = Object.fromEntries(
    Object.entries(samples).map(([name, values]) => [name, values.length > 0 ? median(values) : undefined]),
  );
  const { name, unit, goal } = row;
  return { name, unit, goal, medians, samples };
}

function tableLine({ name, unit, goal, medians }: Result): string {
  const show = (value: number | undefined) =>
    value === undefined ? '-' : `${value < 10 ? value.toFixed(2) : Math.round(value)} ${unit}`;
  const { wherry, dockerd, podman } = medians;
  const faster = unit === 'ms' || unit === 'MB';
  const ratio = (peer: number | undefined) => {
    if (wherry === undefined || peer === undefined) return '-';
    return faster ? `1/${(peer / wherry).toFixed(1)}` : `${(wherry / peer).toFixed(1)} x`;
  };
  return `| ${name} | ${show(wherry)} | ${show(dockerd)} | ${show(podman)} | ${ratio(dockerd)} | ${ratio(podman)} | ${goal} |`;
}

const words = process.argv.slice(2);
const rows = ROWS.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
const restoreCgroups = completeCgroups();
const engines: BenchEngine[] = [];
const results: Result[] = [];
try {
  for (const start of [startWherry, startDockerd, preparePodman]) engines.push(await start());
  for (const { cli } of engines) await run([...cli, 'load', '-q', '-i', await busyboxArchive()]);
  const header = [
    '| work | wherry | dockerd | podman | of dockerd | of podman | goal |',
    '|---|---|---|---|---|---|---|',
  ];
  process.stdout.write(`${cpus().length} cores, Linux ${release()}; medians\n\n${header.join('\n')}\n`);
  for (const row of rows) {
    const result = await measureRow(row, engines);
    results.push(result);
    process.stdout.write(`${tableLine(result)}\n`);
  }
  const folder = resolve(import.meta.dirname, '../.cache');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    resolve(folder, 'bench.json'),
    JSON.stringify({ kernel: release(), cores: cpus().length, results }, null, 2),
  );
} finally {
  for (const engine of engines) await engine.stop();
  restoreCgroups();
  removeBase();
}
