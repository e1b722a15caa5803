import type { LogConfig } from '#api/types/host-config.ts';
import { invalid } from '#errors/errors.ts';
import { parseBoolean } from '#lib/boolean.ts';
import { parseSize } from '#lib/size.ts';
import { checkAttributes } from '#logs/attributes.ts';

/** The log drivers of this engine and the options that each takes. */
const OPTIONS: Readonly<Record<string, readonly string[] | 'any'>> = {
  'json-file': ['max-file', 'max-size', 'compress', 'labels', 'labels-regex', 'env', 'env-regex', 'tag'],
  local: ['max-file', 'max-size', 'compress'],
  none: 'any',
};

const COMMON_OPTIONS: readonly string[] = ['mode', 'max-buffer-size'];

/** Throws `invalid`, in Docker's words, for an unknown driver, an unknown option, or a value that cannot be right. */
export function checkLogConfig({ Type, Config }: LogConfig): void {
  const accepted = Object.hasOwn(OPTIONS, Type) ? OPTIONS[Type]! : undefined;
  if (accepted === undefined) {
    throw invalid(`error looking up logging plugin ${Type}: plugin "${Type}" not found`, {
      hint: `Log drivers: ${Object.keys(OPTIONS).join(', ')}.`,
    });
  }
  if (accepted === 'any') return;
  const options = Config ?? {};
  for (const name of Object.keys(options)) {
    if (!accepted.includes(name) && !COMMON_OPTIONS.includes(name)) {
      throw invalid(`unknown log opt '${name}' for ${Type} log driver`);
    }
  }
  checkMode(options);
  checkCompression(Type, options);
  checkRotation(options);
  checkAttributes(options);
}

function checkMode({ mode = '', 'max-buffer-size': buffer }: Record<string, string>): void {
  if (!['', 'blocking', 'non-blocking'].includes(mode)) throw invalid(`logger: logging mode not supported: ${mode}`);
  if (buffer === undefined) return;
  if (mode !== 'non-blocking') {
    throw invalid("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  }
  if (parseSize(buffer) === undefined) {
    throw invalid(`logger: error parsing option max-buffer-size: invalid size: '${buffer}'`);
  }
}

/** Only what is rotated away is compressed; `local` always rotates unless it is told not to. */
function checkCompression(type: string, options: Record<string, string>): void {
  const { compress, 'max-file': files = type === 'local' ? '5' : '1', 'max-size': size } = options;
  if (compress === undefined) return;
  const wanted = parseBoolean(compress);
  if (wanted === undefined)
    throw invalid(`invalid value for "compress": ${JSON.stringify(compress)}: it is true or false`);
  const unlimited = type === 'local' ? size === '-1' : size === undefined || size === '-1';
  if (wanted && (Number(files) < 2 || unlimited)) {
    throw invalid('compress cannot be true when max-file is less than 2 or max-size is not set');
  }
}

function checkRotation({ 'max-size': size, 'max-file': files }: Record<string, string>): void {
  if (size !== undefined && size !== '-1' && parseSize(size) === undefined) throw invalid(`invalid size: '${size}'`);
  if (files === undefined) return;
  if (!/^-?\d+$/.test(files)) throw invalid(`invalid max-file: '${files}'`, { hint: 'It is a number of files.' });
  if (Number(files) < 1) throw invalid('max-file cannot be less than 1');
}
