/** A program on a terminal, as a person would use it. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

export interface Terminal {
  type(text: string): void;
  resize(rows: number, columns: number): void;
  /** Resolves with what was shown since the last call once that matches; rejects when the program ends before. */
  until(pattern: RegExp): Promise<string>;
  /** Resolves with the program's code; 128 + signal for one that was killed. */
  ended: Promise<number>;
  /** Ends the program when the test has failed. */
  close(): void;
}

/** Milliseconds after which what has not been shown will not be. */
const PATIENCE = 60_000;

/** Starts `argv` on a terminal of 24 rows and 80 columns. */
export function openTerminal(argv: string[], env: NodeJS.ProcessEnv = process.env): Terminal {
  const child = spawn('/usr/bin/python3', [join(import.meta.dirname, 'on-terminal.py'), '24', '80', ...argv], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env,
  });
  let shown = '';
  let over = false;
  let look = () => {};
  child.stdin.on('error', () => {}); // it has ended: `until` and `ended` say so
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
    look();
  });
  const ended = new Promise<number>((resolve) => {
    child.once('close', (code, signal) => {
      over = true;
      look();
      resolve(signal ? 255 : (code ?? 255));
    });
  });
  const order = (command: object) => child.stdin.write(`${JSON.stringify(command)}\n`);
  return {
    type: (text) => order({ type: text }),
    resize: (rows, columns) => order({ resize: [rows, columns] }),
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const fail = (why: string) => reject(new Error(`${why}, ${pattern} is not in ${JSON.stringify(shown)}`));
        const late = setTimeout(() => fail('the terminal stays as it is'), PATIENCE);
        look = () => {
          const match = pattern.exec(shown);
          if (!match && !over) return;
          look = () => {};
          clearTimeout(late);
          if (!match) return fail('the program has ended');
          const seen = shown.slice(0, match.index + match[0].length);
          shown = shown.slice(seen.length);
          resolve(seen);
        };
        look();
      }),
    ended,
    close: () => child.kill('SIGTERM'),
  };
}
