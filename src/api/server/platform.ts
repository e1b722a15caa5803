import type { OciPlatform } from '#api/types/image.ts';
import { invalid } from '#errors/errors.ts';

const PART = /^[a-z0-9_.-]+$/;

/** `os/architecture[/variant]`, as in `linux/arm64/v8`; undefined when absent. Throws `invalid` otherwise. */
export function parsePlatform(text: string | undefined): OciPlatform | undefined {
  if (!text) return undefined;
  const parts = text.toLowerCase().split('/');
  const [os, architecture, variant] = parts;
  if (!os || !architecture || parts.length > 3 || !parts.every((part) => PART.test(part))) {
    throw invalid(`"${text}": unknown operating system or architecture: invalid argument`, {
      hint: 'a platform is os/architecture[/variant], as in linux/amd64',
    });
  }
  return variant ? { os, architecture, variant } : { os, architecture };
}

/** A platform as JSON, the form of newer parameters. Throws `invalid` when it is none. */
export function parseJsonPlatform(text: string | undefined): OciPlatform | undefined {
  if (!text) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(`failed to parse platform: ${(cause as Error).message}`, { cause });
  }
  const { os, architecture, variant } = (value ?? {}) as Partial<Record<string, unknown>>;
  if (typeof os !== 'string' || typeof architecture !== 'string' || !os || !architecture) {
    throw invalid('both OS and Architecture must be provided', { hint: '{"os":"linux","architecture":"amd64"}' });
  }
  if (variant !== undefined && typeof variant !== 'string') throw invalid('failed to parse platform: variant');
  return variant ? { os, architecture, variant } : { os, architecture };
}
