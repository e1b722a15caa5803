import { constants } from 'node:os';
import type { Client } from '#api/client/client.ts';
import { killContainer } from '#api/client/containers.ts';

/** What is about this process itself, or cannot be caught. */
const own = new Set([
  'SIGKILL',
  'SIGSTOP',
  'SIGCHLD',
  'SIGPIPE',
  'SIGURG',
  'SIGPROF',
  'SIGWINCH',
  'SIGTTIN',
  'SIGTTOU',
]);
/** The kernel raises these for a fault of this process. */
const faults = new Set(['SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGIOT', 'SIGSYS']);

/** Sends the signals that this process gets on to a container. Call the result to stop. */
export function forwardSignals(client: Client, container: string): () => void {
  const listeners: [NodeJS.Signals, () => void][] = [];
  for (const name of Object.keys(constants.signals) as NodeJS.Signals[]) {
    if (own.has(name) || faults.has(name)) continue;
    // The container may have ended already; its exit is on the way then.
    const listener = () => void killContainer(client, container, name).catch(() => undefined);
    try {
      process.on(name, listener);
      listeners.push([name, listener]);
    } catch {
      // Node keeps a few signals to itself.
    }
  }
  return () => {
    for (const [name, listener] of listeners) process.off(name, listener);
  };
}
