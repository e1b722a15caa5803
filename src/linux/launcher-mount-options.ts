import { type FileHandle, open } from 'node:fs/promises';
import type { MountRequest } from './launcher-types.ts';

/** The kernel takes option values of at most 255 bytes (fsconfig copies them with strndup_user(value, 256)). */
const MAX_OPTION_VALUE = 255;
const O_PATH = 0o10000000;

/** Calls `mount` with the options, longer paths named through descriptors of this process, open until it has ended. */
export async function withShortOptions<T>(
  options: MountRequest['options'],
  mount: (options: MountRequest['options']) => Promise<T>,
): Promise<T> {
  const handles: FileHandle[] = [];
  try {
    const short: MountRequest['options'] = [];
    for (const [key, value] of options) {
      short.push([key, value !== null && isLongPath(value) ? await nameByDescriptor(value, handles) : value]);
    }
    return await mount(short);
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
