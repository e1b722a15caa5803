/** What the launcher and the service manager are told of the engine's life. */
import { describe } from '#errors/errors.ts';
import { AF_UNIX, addCall, type Call, none, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK } from './launcher-calls.ts';
import type { Ask } from './launcher-connection.ts';

/** The engine serves, see `tell`. */
export async function ready(ask: Ask, serviceManager: string | undefined): Promise<void> {
  const calls: Call[] = [];
  addCall(calls, 'ready', 'ready', []);
  await ask({ what: 'announcing readiness', calls, decode: () => undefined });
  await tell(ask, serviceManager, 'READY=1');
}

/**
 * `serviceManager` is what it gave as NOTIFY_SOCKET (sd_notify(3)): a path, or with `@` a name in the abstract namespace.
 * It hears the launcher's process only. One that cannot be told is a line on standard error.
 */
export async function tell(ask: Ask, serviceManager: string | undefined, state: string): Promise<void> {
  if (serviceManager === undefined) return;
  const calls: Call[] = [];
  const address = Buffer.from(`\x01\0${serviceManager.replace(/^@/, '\0')}`);
  const type = SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
  const socket = addCall(calls, 'socket', 'socket', [AF_UNIX, type, 0]);
  addCall(calls, 'connect', 'connect', [socket, address]);
  addCall(calls, 'send', 'send', [socket, Buffer.from(state), none, 0]);
  try {
    await ask({ what: `telling ${serviceManager} ${state}`, calls, decode: () => undefined });
  } catch (error) {
    process.stderr.write(`wherryd: ${describe(error)}\n`);
  }
}
