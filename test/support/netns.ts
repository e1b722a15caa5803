/** Network namespaces for tests: nothing here ever changes the host's own network. */
import { execFile, spawn } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Runs the tests of a file in a process whose network namespace is its own. In that process it gives true: define the
 * tests then. In the outer one it gives false and defines a single test that passes when all inner ones do.
 */
export function inOwnNamespace(file: string): boolean {
  if (process.env.WHERRY_TEST_NAMESPACE === file) return true;
  test('in a network namespace of its own', async ({ signal }) => {
    const namespace = await makeNamespace();
    try {
      const env: NodeJS.ProcessEnv = { ...process.env, WHERRY_TEST_NAMESPACE: file };
      delete env.NODE_TEST_CONTEXT;
      const inner = spawn('nsenter', [`--net=${namespace.path}`, process.execPath, file], { env, signal });
      let output = '';
      for (const stream of [inner.stdout, inner.stderr]) stream.on('data', (chunk) => (output += chunk));
      const code = await new Promise((resolve) => inner.once('close', resolve));
      if (code !== 0) throw new Error(`the tests in the namespace failed:\n${output}`);
    } finally {
      await namespace.remove();
    }
  });
  return false;
}

export interface TestNamespace {
  name: string;
  path: string;
  remove(): Promise<void>;
}

let made = 0;

/** A new named namespace with `lo` up. */
export async function makeNamespace(): Promise<TestNamespace> {
  const name = `wherry-test-${process.pid}-${made++}`;
  await run('ip', ['netns', 'add', name]);
  const path = `/run/netns/${name}`;
  await run('nsenter', [`--net=${path}`, 'ip', 'link', 'set', 'lo', 'up']);
  return { name, path, remove: async () => void (await run('ip', ['netns', 'delete', name])) };
}

/** Runs a program in the namespace of a path; gives what it printed, or rejects as execFile does. */
export async function runIn(path: string, command: string[]): Promise<string> {
  const { stdout } = await run('nsenter', [`--net=${path}`, ...command], { timeout: 10_000 });
  return stdout;
}

/** Joins this process's namespace and another by a veth pair; both ends are up and have their addresses (CIDR). */
export async function joinNamespaces(
  link: string,
  address: string,
  other: TestNamespace,
  peerAddress: string,
): Promise<void> {
  await run('ip', ['link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', other.name]);
  await run('ip', ['address', 'add', address, 'dev', link]);
  await run('ip', ['link', 'set', link, 'up']);
  await runIn(other.path, ['ip', 'address', 'add', peerAddress, 'dev', 'eth0']);
  await runIn(other.path, ['ip', 'link', 'set', 'eth0', 'up']);
}
