import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { formatTime } from '#lib/time.ts';
import type { LogEntry } from './entries.ts';
import { type LogQuery, readLog } from './reader.ts';

const ALL: LogQuery = { stdout: true, stderr: true, since: 0n, until: 0n, tail: undefined };
const START = 1_700_000_000_000_000_000n;
const SECOND = 1_000_000_000n;

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wherry-test-logs-'));
  path = join(folder, 'container.log');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Line number n, written n seconds after START; every third one to stderr. */
function line(n: number): string {
  const stream = n % 3 === 0 ? 'stderr' : 'stdout';
  return `${JSON.stringify({ log: `line ${n}\n`, stream, time: formatTime(START + BigInt(n) * SECOND) })}\n`;
}
const lines = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => line(from + i)).join('');

/** As a monitor does it that has rotated `rotated` files already. */
function rotate(rotated: number): void {
  for (let kept = rotated; kept >= 1; kept--) renameSync(`${path}.${kept}`, `${path}.${kept + 1}`);
  renameSync(path, `${path}.1`);
}

async function read(query: Partial<LogQuery> = {}): Promise<number[]> {
  const numbers: number[] = [];
  for await (const entries of readLog(path, { ...ALL, ...query }, undefined, new AbortController().signal))
    numbers.push(...entries.map(numberOf));
  return numbers;
}
const numberOf = (entry: LogEntry) => Number(/\d+/.exec(entry.text)![0]);
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

test('reads all rotated files, oldest first, and skips what is not a whole entry', async () => {
  writeFileSync(`${path}.2`, lines(0, 10));
  writeFileSync(`${path}.1`, `${lines(10, 20)}{"log":"cut`);
  writeFileSync(path, `not json\n${lines(20, 30)}`);
  assert.deepEqual(await read(), range(0, 30));
});

test('rotated files may be compressed, also while they are followed', async () => {
  const pack = (file: string) => execFileSync('gzip', ['-1', '-f', file]);
  writeFileSync(`${path}.2`, lines(0, 3000));
  writeFileSync(`${path}.1`, lines(3000, 6000));
  writeFileSync(path, lines(6000, 6010));
  pack(`${path}.2`);
  pack(`${path}.1`);
  assert.deepEqual(await read(), range(0, 6010));
  assert.deepEqual(await read({ tail: 5 }), range(6005, 6010));
  assert.deepEqual(await read({ tail: 3500 }), range(2510, 6010));

  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const seen: number[] = [];
  const follow = readLog(path, { ...ALL, tail: 1 }, { ended }, new AbortController().signal);
  const until = async (last: number) => {
    while (seen.at(-1) !== last) seen.push(...(await follow.next()).value!.map(numberOf));
  };
  await until(6009);
  appendFileSync(path, lines(6010, 6020));
  renameSync(`${path}.2.gz`, `${path}.3.gz`);
  renameSync(`${path}.1.gz`, `${path}.2.gz`);
  renameSync(path, `${path}.1`);
  pack(`${path}.1`);
  writeFileSync(path, lines(6020, 6030));
  await until(6029);
  end();
  assert.equal((await follow.next()).done, true);
  assert.deepEqual(seen, range(6009, 6030));
  assert.deepEqual(
    readdirSync(tmpdir()).filter((name) => name.startsWith('wherry-log-')),
    [],
  );
});

test('tail counts lines across files', async () => {
  writeFileSync(`${path}.1`, lines(0, 2000));
  writeFileSync(path, lines(2000, 2005));
  assert.deepEqual(await read({ tail: 3 }), [2002, 2003, 2004]);
  assert.deepEqual(await read({ tail: 5 }), range(2000, 2005));
  assert.deepEqual(await read({ tail: 1200 }), range(805, 2005));
  assert.deepEqual(await read({ tail: 9999 }), range(0, 2005));
  assert.deepEqual(await read({ tail: 0 }), []);
});

test('since, until and streams select', async () => {
  writeFileSync(path, lines(0, 10));
  assert.deepEqual(await read({ since: START + 4n * SECOND, until: START + 7n * SECOND }), [4, 5, 6, 7]);
  assert.deepEqual(await read({ stdout: false }), [0, 3, 6, 9]);
});

test('a log that is not there is empty', async () => {
  assert.deepEqual(await read(), []);
});

test('follow goes through rotations and ends after the last line', async () => {
  writeFileSync(path, lines(0, 5));
  const ended = Promise.withResolvers<void>();
  const seen: number[] = [];
  const reading = (async () => {
    for await (const entries of readLog(path, ALL, { ended: ended.promise }, new AbortController().signal))
      seen.push(...entries.map(numberOf));
  })();
  for (let n = 5; n < 300; n++) {
    appendFileSync(path, line(n));
    if (n % 20 === 0) {
      rotate(n / 20 - 1);
      writeFileSync(path, '');
      await sleep(5);
    }
  }
  ended.resolve();
  await reading;
  assert.deepEqual(seen, range(0, 300));
});

test('files that are rotated while they are opened come in order, each once', async () => {
  for (let round = 0; round < 20; round++) {
    for (let kept = 1; existsSync(`${path}.${kept}`); kept++) rmSync(`${path}.${kept}`);
    writeFileSync(path, lines(0, 5));
    const reading = read();
    for (let n = 5; n < 30; n += 5) {
      await turn();
      rotate(n / 5 - 1);
      writeFileSync(path, lines(n, n + 5));
    }
    const numbers = await reading;
    assert.deepEqual(numbers, range(0, numbers.length));
    assert.ok(numbers.length >= 5);
  }
});

test('follow survives a log that is cut in place', async () => {
  writeFileSync(path, lines(0, 50));
  const ended = Promise.withResolvers<void>();
  const seen: number[] = [];
  const reading = (async () => {
    for await (const entries of readLog(path, ALL, { ended: ended.promise }, new AbortController().signal))
      seen.push(...entries.map(numberOf));
  })();
  while (seen.length < 50) await sleep(5);
  truncateSync(path);
  appendFileSync(path, line(50));
  while (seen.length < 51) await sleep(5);
  ended.resolve();
  await reading;
  assert.deepEqual(seen, range(0, 51));
});

test('an aborted follow ends at once', async () => {
  writeFileSync(path, lines(0, 1));
  const abort = new AbortController();
  let count = 0;
  for await (const _ of readLog(path, ALL, { ended: new Promise(() => {}) }, abort.signal)) {
    count++;
    abort.abort();
  }
  assert.equal(count, 1);
});
