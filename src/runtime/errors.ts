import { stripVTControlCharacters } from 'node:util';
import type { RuntimeReport } from './monitor-wire.ts';

/** The last error in the runtime's log (JSON lines), else what it printed, else how it ended. */
export function runtimeText(report: RuntimeReport): string {
  const lines = report.log.split('\n').flatMap(parseLine);
  const message = lines.findLast((line) => line.level === 'error' || line.level === 'fatal') ?? lines.at(-1);
  const text = message?.msg ?? stripVTControlCharacters(report.stderr);
  return text.trim() || `the runtime ended with wait status ${report.status} and said nothing`;
}

function parseLine(text: string): { msg: string; level?: string }[] {
  try {
    const line = JSON.parse(text);
    return typeof line?.msg === 'string' ? [line] : [];
  } catch {
    return [];
  }
}
