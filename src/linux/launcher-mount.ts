import { type FileHandle, open } from 'node:fs/promises';
import type { MountRequest } from './launcher-types.ts';

/** The kernel takes option values of at most 255 bytes (fsconfig copies them with strndup_user(value, 256)). */
const MAX_OPTION_VALUE = 255;
const O_PATH = 0o10000000;

/**
 * Calls `mount` with the options as the launcher takes them, `key=value` or `flag`. Longer paths are named through
 * descriptors of this process, which are open until it has ended.
 */
export async function withMountOptions<T>(
  options: MountRequest['options'],
  mount: (texts: string[]) => Promise<T>,
): Promise<T> {
  const handles: FileHandle[] = [];
  try {
    const texts: string[] = [];
    for (const [key, value] of options) {
      if (value === null) texts.push(key);
      else texts.push(`${key}=${isLongPath(value) ? await nameByDescriptor(value, handles) : value}`);
    }
    return await mount(texts);
  } finally {
    await Promise.all(handles.map((handle) => handle.close()));
  }
}

function isLongPath(value: string): boolean {
  return value.startsWith('/') && Buffer.byteLength(value) > MAX_OPTION_VALUE;
}

async function nameByDescriptor(path: string, handles: FileHandle[]): Promise<string> {
  const handle = await open(path, O_PATH);
  handles.push(handle);
  return `/proc/${process.pid}/fd/${handle.fd}`;
}
