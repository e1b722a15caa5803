/** Readiness: what the launcher and the service manager are told when the engine serves. */
import { describe } from '#errors/errors.ts';
import { AF_UNIX, addCall, type Call, none, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK } from './launcher-calls.ts';
import type { Ask } from './launcher-connection.ts';

/**
 * `serviceManager` is what it gave as NOTIFY_SOCKET (sd_notify(3)): a path, or with `@` a name in the abstract namespace.
 * It hears the launcher's process only. One that cannot be told is a line on standard error.
 */
export async function announce(ask: Ask, serviceManager: string | undefined): Promise<void> {
  if (serviceManager !== undefined) {
    try {
      return await ask({ what: `telling ${serviceManager}`, calls: tell(serviceManager), decode: () => undefined });
    } catch (error) {
      process.stderr.write(`wherryd: ${describe(error)}\n`);
    }
  }
  const calls: Call[] = [];
  addCall(calls, 'ready', 'ready', [none]);
  await ask({ what: 'announcing readiness', calls, decode: () => undefined });
}

function tell(serviceManager: string): Call[] {
  const calls: Call[] = [];
  const address = Buffer.from(`\x01\0${serviceManager.replace(/^@/, '\0')}`);
  const type = SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
  const socket = addCall(calls, 'socket', 'socket', [AF_UNIX, type, 0]);
  addCall(calls, 'ready', 'ready', [socket]);
  addCall(calls, 'connect', 'connect', [socket, address]);
  addCall(calls, 'send', 'send', [socket, Buffer.from('READY=1'), none, 0]);
  return calls;
}
