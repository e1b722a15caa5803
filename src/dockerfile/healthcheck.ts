import type { HealthConfig } from '#api/types/container-config.ts';
import { invalid } from '#errors/errors.ts';
import { parseDuration } from '#lib/duration.ts';
import { checkFlags, type Instruction, jsonForm } from './instruction.ts';

const DURATIONS = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
} as const;

const NS_PER_MS = 1_000_000n;
const MAX_RETRIES = 2 ** 31 - 1;

/** `HEALTHCHECK [--interval=... ...] CMD command`, or `HEALTHCHECK NONE`. Throws `invalid` in Docker's words. */
export function parseHealthcheck(instruction: Instruction): HealthConfig {
  checkFlags(instruction, [...Object.keys(DURATIONS), 'retries']);
  const [, type = '', command = ''] = /^(\S+)\s*(.*)$/s.exec(instruction.rest) ?? [];
  if (type === '') throw invalid('HEALTHCHECK requires at least one argument');
  const kind = type.toUpperCase();
  if (kind === 'NONE') {
    if (command !== '') throw invalid('HEALTHCHECK NONE takes no arguments');
    return { Test: ['NONE'] };
  }
  if (kind !== 'CMD') throw invalid(`Unknown type ${JSON.stringify(kind)} in HEALTHCHECK (try CMD)`);
  const list = jsonForm(command);
  if (list ? list.length === 0 : command === '') throw invalid('Missing command after HEALTHCHECK CMD');
  return { Test: list ? ['CMD', ...list] : ['CMD-SHELL', command], ...durations(instruction), ...retries(instruction) };
}

function durations({ flags }: Instruction): Partial<HealthConfig> {
  const config: Partial<HealthConfig> = {};
  for (const [name, field] of Object.entries(DURATIONS)) {
    const text = flags.get(name);
    if (!text) continue;
    const value = parseDuration(text);
    if (value === undefined) throw invalid(`time: invalid duration ${JSON.stringify(text)}`);
    if (value === 0n) continue;
    if (value < NS_PER_MS) throw invalid(`Interval ${JSON.stringify(name)} cannot be less than 1ms`);
    config[field] = value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
  }
  return config;
}

function retries({ flags }: Instruction): Partial<HealthConfig> {
  const text = flags.get('retries');
  if (!text) return {};
  const refuse = (why: string) => invalid(`strconv.ParseInt: parsing ${JSON.stringify(text)}: ${why}`);
  if (!/^[+-]?\d+$/.test(text)) throw refuse('invalid syntax');
  if (Math.abs(Number(text)) > MAX_RETRIES) throw refuse('value out of range');
  if (Number(text) < 0) throw invalid(`--retries cannot be negative (${Number(text)})`);
  return Number(text) === 0 ? {} : { Retries: Number(text) };
}
