/** Requests and their replies, in any order, over one stream to the launcher. */
import type { Duplex } from 'node:stream';
import { describe, type EngineError, isEngineError, system } from '#errors/errors.ts';
import type { Call } from './launcher-calls.ts';
import { type CallResult, createReplyDecoder, encodeRequest, NO_CALL, type Reply } from './launcher-wire.ts';

/** What the launcher is asked for with one request. */
export interface Operation<Result> {
  /** The operation and its object: "mounting erofs on /run/x". */
  what: string;
  calls: Call[];
  /** Reads what the calls gave when none has failed. An EngineError that it throws is the request's. */
  decode(results: CallResult[]): Result;
  /** The error's text in the place of that of the failed call's label. */
  explain?(reply: Reply): string | undefined;
}

/** Rejects with an EngineError of kind `system` whose code is the errno's name. */
export type Ask = <Result>(operation: Operation<Result>) => Promise<Result>;

export interface LauncherConnection {
  ask: Ask;
  /** Ends the connection; requests without a reply reject. */
  close(): void;
}

interface Waiting {
  what: string;
  settle(reply: Reply): void;
  reject(error: EngineError): void;
}

const hints: Record<string, string> = {
  EPERM: 'wherryd needs root, or the capabilities that this operation takes.',
  ENOSYS: 'The launcher or the kernel does not know this operation: rebuild native/ and see the supported kernels.',
  EMFILE: 'Raise the limit of open files of wherryd (LimitNOFILE= in its unit).',
  ENODEV: 'The kernel does not have this file system or device; is its module loaded?',
};

/** Failures that are none of a call: the request or its reply is not what it should be, or no thread could be had. */
const wholes: Record<string, string> = { EBADMSG: 'the request', EMSGSIZE: 'the reply' };

/** The error of a reply with a non-zero errno. */
function failure({ what, calls, explain }: Pick<Operation<unknown>, 'what' | 'calls' | 'explain'>, reply: Reply) {
  const code = reply.name || `ERRNO_${reply.errno}`;
  const whole = reply.failed === NO_CALL;
  const label = whole ? (wholes[code] ?? 'a thread for the request') : calls[reply.failed]!.label;
  const text = (whole ? undefined : explain?.(reply)) ?? `${label}: ${reply.text}`;
  return system(`${what} failed: ${text}`, { code, hint: hints[code] });
}

/** `onLost` is called once when the launcher goes away or sends what is not the protocol, never after `close()`. */
export function openConnection(stream: Duplex, onLost: (error: EngineError) => void): LauncherConnection {
  const waiting = new Map<number, Waiting>();
  const decodeReplies = createReplyDecoder();
  let lastId = 0;
  let lost: EngineError | undefined;

  const end = (error: EngineError) => {
    if (lost) return;
    lost = error;
    stream.destroy();
    for (const { what, reject } of waiting.values()) {
      reject(system(`${what} failed: ${error.message}`, { code: error.code, cause: error }));
    }
    waiting.clear();
  };
  const lose = (cause?: unknown) => {
    if (lost) return;
    const why = cause === undefined ? '' : `: ${describe(cause)}`;
    const error = system(`the launcher is gone${why}`, { code: 'ECONNRESET', cause, hint: 'Start wherryd again.' });
    end(error);
    onLost(error);
  };

  stream.on('data', (chunk: Buffer) => {
    try {
      for (const reply of decodeReplies(chunk)) {
        const request = waiting.get(reply.id);
        waiting.delete(reply.id);
        request?.settle(reply);
      }
    } catch (error) {
      lose(error);
    }
  });
  stream.on('error', lose);
  stream.on('close', () => lose());
  stream.on('end', () => lose());

  function ask<Result>(operation: Operation<Result>) {
    const { what, calls, decode } = operation;
    lastId = lastId === 0xffffffff ? 1 : lastId + 1;
    const id = lastId;
    return new Promise<Result>((resolve, reject) => {
      if (lost) throw system(`${what} failed: ${lost.message}`, { code: lost.code, cause: lost });
      const settle = (reply: Reply) => {
        try {
          if (reply.errno === 0) resolve(decode(reply.results));
          else reject(failure(operation, reply));
        } catch (cause) {
          if (isEngineError(cause)) reject(cause);
          else reject(system(`${what} failed: ${describe(cause)}`, { code: 'EBADMSG', cause }));
        }
      };
      const frame = encode(id, what, calls);
      waiting.set(id, { what, settle, reject });
      stream.write(frame);
    });
  }

  return {
    ask,
    close: () => end(system('the connection was closed', { code: 'ECANCELED' })),
  };
}

function encode(id: number, what: string, calls: Call[]): Buffer {
  try {
    return encodeRequest(id, calls);
  } catch (cause) {
    throw system(`${what} failed: ${describe(cause)}`, { code: 'EINVAL', cause });
  }
}
