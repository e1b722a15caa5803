import type { RuntimeReport } from './monitor-wire.ts';

/**
 * What the runtime said when it could not start something: the last line of its stderr, else of its log (for a
 * terminal, crun prints nothing), else how it ended.
 */
export function runtimeText(report: RuntimeReport): string {
  const text = lastLine(report.stderr) ?? lastLine(report.log);
  return text ?? `the runtime ended with wait status ${report.status} and said nothing`;
}

function lastLine(text: string): string | undefined {
  const line = text.trim().split('\n').at(-1);
  if (!line) return undefined;
  const logrus = /\bmsg=("(?:[^"\\]|\\.)*")/.exec(line);
  return logrus ? JSON.parse(logrus[1]!) : line;
}

export interface MappedError {
  /** Docker's words, for the API and the container's State.Error. */
  message: string;
  /** What dockerd puts into State.ExitCode: 127 not found, 126 cannot be run, 128 anything else; an exec always 126. */
  exitCode: 126 | 127 | 128;
  /** `invalid` (400): the command or its mounts are wrong; `system` (500): anything else. */
  kind: 'invalid' | 'system';
}

interface Reading {
  /** What crun prints. */
  crun: RegExp;
  /** runc's words for it, which clients match; `program` is the command as the user gave it. */
  runc: (program: string, match: RegExpExecArray) => string;
}

const notFound = (program: string) => `exec: "${program}": executable file not found in $PATH`;

const readings: Reading[] = [
  { crun: /^executable file `[^/]*` not found in \$PATH/, runc: notFound },
  { crun: /^cannot find `.*` in \$PATH/, runc: notFound },
  {
    crun: /^executable file `.*` not found: No such file or directory$/,
    runc: (program) => `exec: "${program}": stat ${program}: no such file or directory`,
  },
  { crun: /^the path `.*` is not a regular file/, runc: (program) => `exec: "${program}": is a directory` },
  {
    crun: /^the path `.*` exists but it is not executable/,
    runc: (program) => (program.includes('/') ? `exec: "${program}": permission denied` : notFound(program)),
  },
  {
    crun: /^cannot open `.*`: Not a directory$/,
    runc: (program) => `exec: "${program}": stat ${program}: not a directory`,
  },
  {
    crun: /^chdir to `(.*)`: ([^:]+)$/,
    runc: (_, match) => `chdir to cwd ("${match[1]}") set in config.json failed: ${match[2]!.toLowerCase()}`,
  },
];

/** The end of an error text that is the C library's name of an errno; Go writes it in lower case. */
const errnoName = /(?<=: )[A-Z][a-z]+(?: [a-z]+)*$/;

const mountHint =
  'Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type';

/**
 * Turns crun's or runc's text into what dockerd 26 answers for the same failure. `program` is the first argument of
 * the process.
 */
export function mapRuntimeError(text: string, program: string, what: 'create' | 'exec' = 'create'): MappedError {
  const reason = inRuncsWords(text, program);
  const failed =
    what === 'create' ? 'OCI runtime create failed: runc create failed' : 'OCI runtime exec failed: exec failed';
  const message = `${failed}: ${reason}: unknown`;
  const { exitCode, suffix = '' } = classify(reason, program);
  return {
    message: message + suffix,
    exitCode: what === 'exec' ? 126 : exitCode,
    kind: exitCode === 128 ? 'system' : 'invalid',
  };
}

function inRuncsWords(text: string, program: string): string {
  const runc = /^(?:runc \w+ failed|exec failed): (.*)$/s.exec(text);
  if (runc) return runc[1]!;
  for (const { crun, runc } of readings) {
    const match = crun.exec(text);
    if (match) return `unable to start container process: ${runc(program, match)}`;
  }
  return `unable to start container process: ${text.replace(errnoName, (name) => name.toLowerCase())}`;
}

function classify(reason: string, program: string): { exitCode: MappedError['exitCode']; suffix?: string } {
  if (reason.includes('is a directory')) return { exitCode: 126, suffix: ': permission denied' };
  if (reason.includes('permission denied')) return { exitCode: 126 };
  if (reason.includes('not a directory')) return { exitCode: 127, suffix: `: ${mountHint}` };
  const missing = /executable file not found|no such file or directory/.test(reason);
  return { exitCode: missing && reason.includes(program) ? 127 : 128 };
}
