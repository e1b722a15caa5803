/** A real launcher for a test: it serves this process until it is closed, and keeps nothing afterwards. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { connectLauncher } from '#linux/launcher.ts';
import type { Launcher } from '#linux/launcher-types.ts';

const native = join(import.meta.dirname, '../../native');

/** Path of a built native program; builds it when it is missing. `WHERRY_TEST_ASAN=1` makes `sanitized` the default. */
export function nativeProgram(
  name: 'wherry-launcher' | 'wherry-monitor',
  { sanitized = Boolean(process.env.WHERRY_TEST_ASAN) } = {},
): string {
  const target = join('build', sanitized ? 'asan' : '', name);
  const path = join(native, target);
  if (!existsSync(path)) {
    const built = spawnSync('make', ['-C', native, target], { encoding: 'utf8' });
    if (built.status !== 0) throw new Error(`make ${target} failed:\n${built.stderr}`);
  }
  return path;
}

export interface TestLauncher {
  launcher: Launcher;
  pid: number;
  /** Rejects when the launcher failed (a sanitizer found something) instead of ending because it was left alone. */
  close(): Promise<void>;
}

/** Hands what comes on descriptor 3 to the launcher, and back, until one of both ends. */
const relay = `exec 2>/dev/null; trap 'exit 0' TERM
{ cat <&3 >&$WHERRY_LAUNCHER_FD; kill $$; } &
{ cat <&$WHERRY_LAUNCHER_FD >&3; kill $$; } &
wait`;

/** Arguments of a launcher that has in the engine's place who is at the other end of its descriptor 3. */
export const servingDescriptor3 = ['--', 'sh', '-c', relay];

/** A launcher's process, and the other end of its channel. It ends with the channel, which gives its exit code. */
export function spawnLauncher({ netns }: { netns?: string } = {}) {
  const command = [nativeProgram('wherry-launcher'), ...servingDescriptor3];
  if (netns !== undefined) command.unshift('nsenter', `--net=/run/netns/${netns}`);
  const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { pid: child.pid!, stream: child.stdio[3] as Duplex, ended };
}

/** `netns` is the name of a namespace under /run/netns for the launcher to live in; the test makes and deletes it. */
export async function startLauncher(options: { netns?: string } = {}): Promise<TestLauncher> {
  const { pid, stream, ended } = spawnLauncher(options);
  const launcher = await connectLauncher(stream, () => {});
  const close = async () => {
    launcher.close();
    const code = await ended;
    if (code) throw new Error(`the launcher ended with code ${code}, see its messages above`);
  };
  return { launcher, pid, close };
}
