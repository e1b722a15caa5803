import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DEFAULT_DETACH_KEYS, detachFilter, parseDetachKeys } from './detach-keys.ts';
import { watchPresence } from './presence.ts';

export interface AttachSettings {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
  framing: 'raw' | 'docker';
  /** The end of this client's input is the end of the container's stdin. */
  closeStdin: boolean;
  /** Absent = ctrl-p,ctrl-q on a terminal, none elsewhere. */
  detachKeys?: string;
}

/** What matters once the monitor's stream is there. */
export type ClientSettings = Pick<AttachSettings, 'stdin' | 'tty' | 'closeStdin' | 'detachKeys'>;

/** An attachment that waits for its container to start. */
export interface PendingAttachment {
  settings: AttachSettings;
  /** Hands over the monitor's stream; called before the process starts. */
  begin(stream: Duplex): void;
  /** It will not start. */
  cancel(): void;
}

/**
 * Ties a client to the monitor's stream until the process ends, the client detaches, or the client goes. The client's
 * half-close ends stdin at most. Resolves with whether the client typed the detach keys.
 */
export async function connectClient(client: Duplex, stream: Duplex, settings: ClientSettings): Promise<boolean> {
  let detached = false;
  const detach = () => {
    detached = true;
    stream.destroy();
  };
  const gone = () => stream.destroy();
  client.once('close', gone);
  const stopWatching = watchPresence(client);
  if (settings.stdin) void forwardInput(client, stream, settings, detach);
  else client.resume(); // what comes unasked is dropped, so that the client's close is noticed
  try {
    await pipeline(stream, client, { end: false });
  } catch (error) {
    if (!isEndOfEither(error)) throw error;
  } finally {
    stopWatching();
    client.off('close', gone);
    stream.destroy();
  }
  return detached;
}

async function forwardInput(client: Duplex, stream: Duplex, settings: ClientSettings, detach: () => void) {
  const keys = settings.detachKeys || (settings.tty ? DEFAULT_DETACH_KEYS : '');
  try {
    const end = settings.closeStdin;
    if (keys) await pipeline(client, detachFilter(parseDetachKeys(keys), detach), stream, { end });
    else await pipeline(client, stream, { end });
  } catch (error) {
    if (!isEndOfEither(error)) stream.destroy(error as Error);
  }
}

/** A peer that went away, or a stream that we closed ourselves, is how sessions end. */
function isEndOfEither(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return ['ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED', 'ECONNRESET', 'EPIPE', 'ABORT_ERR'].includes(code);
}
