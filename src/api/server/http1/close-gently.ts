import type { Duplex } from 'node:stream';

/** How long a client that does not close its side after the end is kept, in ms. */
const LINGER = 5_000;

/**
 * Ends our side once all is written and waits for the client's side, so that a reset cuts off nothing in flight; the
 * socket closes itself when both sides have ended.
 */
export function closeGently(client: Duplex): void {
  if (client.destroyed) return;
  client.resume();
  client.end(() => {
    const deadline = setTimeout(() => client.destroy(), LINGER);
    deadline.unref();
    client.once('close', () => clearTimeout(deadline));
  });
}
