import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import type { FuzzBench, FuzzTarget } from './target.ts';

/** Cases that share a seed; the time is looked at between two batches. */
const BATCH = 50;
const corpus = join(import.meta.dirname, 'corpus');

export interface Campaign {
  /** Of the first batch; the next ones count up. */
  seed: number;
  /** Cases, or when to stop, in ms since 1970. */
  until: { cases: number } | { time: number };
  /** The one case of the seed that failed before, as its report said. */
  path?: string;
  /** Where failing inputs are written. */
  folder: string;
}

export interface CampaignResult {
  cases: number;
  /** What failed, where its input lies, and how to see it again. */
  failure?: string;
}

/** Lets a target take arbitrary input until the time is over or one is not taken as it should be. */
export async function runCampaign(
  target: FuzzTarget,
  { seed, until, path, folder }: Campaign,
): Promise<CampaignResult> {
  const bench = await target.open();
  try {
    let cases = 0;
    for (let batch = seed; ; batch++) {
      const numRuns = 'cases' in until ? Math.min(BATCH, until.cases - cases) : BATCH;
      const property = fc.asyncProperty(bench.input, async (input) => bench.check(input));
      const found = await fc.check(property, { seed: batch, numRuns, path });
      cases += found.numRuns;
      if (found.failed) return { cases, failure: await report(target, bench, found, folder) };
      const over = 'cases' in until ? cases >= until.cases : Date.now() >= until.time;
      if (over || path) return { cases };
    }
  } finally {
    await bench.close();
  }
}

/** Checks the kept inputs of a target: files `<target>.<what it is>.<part>`. */
export async function replayCorpus(target: FuzzTarget): Promise<void> {
  const names = (await readdir(corpus)).filter((name) => name.startsWith(`${target.name}.`)).sort();
  const cases = Map.groupBy(names, (name) => name.split('.')[1]);
  if (cases.size === 0) return;
  const bench = await target.open();
  try {
    for (const parts of cases.values()) {
      const files = await Promise.all(parts.map((name) => readFile(join(corpus, name))));
      await bench.check(bench.files!.read(files));
    }
  } finally {
    await bench.close();
  }
}

async function report(
  { name }: FuzzTarget,
  bench: FuzzBench,
  { seed, counterexamplePath, counterexample, errorInstance }: fc.RunDetails<[unknown]>,
  parent: string,
): Promise<string> {
  const folder = join(parent, `${name}-${seed}`);
  await mkdir(folder, { recursive: true });
  const input = counterexample?.[0];
  for (const [n, bytes] of (bench.files?.write(input) ?? []).entries()) await writeFile(join(folder, `${n}`), bytes);
  const error = errorInstance instanceof Error ? (errorInstance.stack ?? errorInstance.message) : String(errorInstance);
  await writeFile(join(folder, 'input.txt'), fc.stringify(input));
  await writeFile(join(folder, 'error.txt'), error);
  const again = `make fuzz TARGET=${name} SEED=${seed} FUZZ_PATH=${counterexamplePath}`;
  return `${error}\n\nThe input is in ${folder}; see it again with\n  ${again}`;
}
