import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Runs a program to its end; rejects with its output when the code is not 0. */
export function run(argv: string[], options: { quiet?: boolean; input?: string } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(argv[0]!, argv.slice(1), { maxBuffer: 1 << 30 }, (error, stdout, stderr) => {
      if (error && !options.quiet) reject(new Error(`${argv.join(' ')}: ${stderr || error.message}`));
      else resolve(stdout);
    });
    child.stdin!.on('error', () => {}); // a program may end without reading its input
    child.stdin!.end(options.input ?? '');
  });
}

/** Milliseconds that `work` took. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * GETs per second that `path` on the unix socket answers, over connections that are kept. h2load, because a generator in
 * JavaScript needs more of the machine for a request than the servers do and measures itself.
 */
export async function requestsPerSecond(
  socket: string,
  path: string,
  { connections, seconds }: { connections: number; seconds: number },
): Promise<number> {
  const load = ['h2load', '--h1', '-t1', `-c${connections}`, `-D${seconds}`, `--base-uri=unix:${socket}`];
  const report = await run([...load, `http://localhost${path}`]);
  const rate = /finished in [^,]+, ([\d.]+) req\/s/.exec(report)?.[1];
  const answered = /status codes: (\d+) 2xx, 0 3xx, 0 4xx, 0 5xx/.exec(report)?.[1];
  if (!rate || !Number(answered)) throw new Error(`GET ${path}: not all replies are 2xx:\n${report}`);
  return Number(rate);
}

/** Proportional and resident memory in MB of the processes for which `wanted` holds, summed. */
export function memoryOf(wanted: (commandLine: string, pid: number) => boolean): {
  pss: number;
  rss: number;
  count: number;
} {
  const total = { pss: 0, rss: 0, count: 0 };
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
      if (!command || !wanted(command, Number(name))) continue;
      const rollup = readFileSync(`/proc/${name}/smaps_rollup`, 'utf8');
      total.pss += Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0) / 1024;
      total.rss += Number(/^Rss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0) / 1024;
      total.count++;
    } catch {} // the process ended meanwhile
  }
  return total;
}
