import { invalid } from '#errors/errors.ts';
import { parseMode } from './mount-mode.ts';
import type { MountRequest } from './mount-request.ts';
import { cleanPath, mountTarget } from './mount-target.ts';
import { checkVolumeName } from './volume-name.ts';

/**
 * Reads an entry of `HostConfig.Binds`: `/host:/target[:options]`, `name:/target[:options]`, or `/target` alone for an
 * anonymous volume. `driver` is that of `--volume-driver`. Throws `invalid` in Docker's words.
 */
export function parseBind(spec: string, driver: string): MountRequest {
  const malformed = invalid(`invalid volume specification: '${spec}'`, {
    hint: 'Write /host/path:/container/path[:ro] or name:/container/path[:ro].',
  });
  const parts = spec.split(':');
  if (parts.length > 3 || parts.some((part) => part === '')) throw malformed;
  if (parts.length === 1) return volumeRequest({ spec, name: '', target: parts[0]!, mode: '', driver });
  const [source, target, mode = ''] = parts as [string, string, string?];
  if (parts.length === 2 && parseMode(target)) throw malformed;
  return source.startsWith('/')
    ? bindRequest({ spec, source, target, mode })
    : volumeRequest({ spec, name: source, target, mode, driver });
}

function bindRequest({
  spec,
  source,
  target,
  mode,
}: Record<'spec' | 'source' | 'target' | 'mode', string>): MountRequest {
  const options = readMode(mode);
  const prefix = prefixOf(spec, 'bind');
  if (options.copy !== undefined) throw invalid(`${prefix}field VolumeOptions must not be specified`);
  return {
    type: 'bind',
    source: cleanPath(source),
    destination: mountTarget(target, prefix),
    mode,
    readOnly: options.readOnly,
    propagation: options.propagation,
    createSource: true,
  };
}

function volumeRequest(given: Record<'spec' | 'name' | 'target' | 'mode' | 'driver', string>): MountRequest {
  const options = readMode(given.mode);
  const prefix = prefixOf(given.spec, 'volume');
  if (options.propagation) throw invalid(`${prefix}field BindOptions must not be specified`);
  const destination = mountTarget(given.target, prefix);
  if (given.name !== '') checkVolumeName(given.name);
  return {
    type: 'volume',
    source: given.name,
    destination,
    mode: given.mode || 'z',
    readOnly: options.readOnly,
    propagation: '',
    copy: options.copy ?? true,
    driver: given.driver,
  };
}

function readMode(text: string) {
  const mode = parseMode(text);
  if (!mode)
    throw invalid(`invalid mode: ${text}`, {
      hint: 'Known options: ro, rw, z, Z, nocopy, [r]private, [r]slave, [r]shared.',
    });
  return mode;
}

function prefixOf(spec: string, type: string): string {
  return `invalid volume specification: '${spec}': invalid mount config for type "${type}": `;
}
