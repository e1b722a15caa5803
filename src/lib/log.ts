import { formatTime, nowNs } from './time.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
const RANK: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Structured log of the engine. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export interface LoggerOptions {
  /** Asked each time, for it may change. */
  level: () => LogLevel;
  format: 'text' | 'json';
  write: (line: string) => void;
}

/** Lines of `time=... level=... msg="..." key=value` or one JSON object each. */
export function createLogger({ level, format, write }: LoggerOptions): Logger {
  const at =
    (own: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      if (RANK[own] < RANK[level()]) return;
      const entry = { time: formatTime(nowNs()), level: own, msg: message, ...fields };
      write(`${format === 'json' ? JSON.stringify(entry) : textLine(entry)}\n`);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function textLine(entry: object): string {
  return Object.entries(entry)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${/^[\w.:/@+-]+$/.test(String(value)) ? value : JSON.stringify(String(value))}`)
    .join(' ');
}
