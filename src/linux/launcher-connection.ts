/** Requests and their replies, in any order, over one stream to the launcher. */
import type { Duplex } from 'node:stream';
import { describe, type EngineError, system } from '#errors/errors.ts';
import {
  createReplyDecoder,
  encodeRequest,
  type Field,
  type FieldReader,
  type OpCode,
  type Reply,
} from './launcher-wire.ts';

export interface LauncherConnection {
  /**
   * Sends a request; `what` is the operation and its object ("mounting erofs on /run/x"). `decode` reads the reply's
   * fields. Rejects with an EngineError of kind `system` whose code is the errno's name.
   */
  request<Result>(op: OpCode, what: string, fields: Field[], decode: (reply: FieldReader) => Result): Promise<Result>;
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

/** The error of a reply with a non-zero errno. */
function failure(what: string, { errno, fields }: Reply): EngineError {
  const code = fields.text() || `ERRNO_${errno}`;
  const text = fields.rest().toString();
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

  function request<Result>(op: OpCode, what: string, fields: Field[], decode: (reply: FieldReader) => Result) {
    lastId = lastId === 0xffffffff ? 1 : lastId + 1;
    const id = lastId;
    return new Promise<Result>((resolve, reject) => {
      if (lost) throw system(`${what} failed: ${lost.message}`, { code: lost.code, cause: lost });
      const settle = (reply: Reply) => {
        try {
          if (reply.errno === 0) resolve(decode(reply.fields));
          else reject(failure(what, reply));
        } catch (cause) {
          reject(system(`${what} failed: ${describe(cause)}`, { code: 'EBADMSG', cause }));
        }
      };
      const frame = encode(op, id, what, fields);
      waiting.set(id, { what, settle, reject });
      stream.write(frame);
    });
  }

  return {
    request,
    close: () => end(system('the connection was closed', { code: 'ECANCELED' })),
  };
}

function encode(op: OpCode, id: number, what: string, fields: Field[]): Buffer {
  try {
    return encodeRequest(op, id, fields);
  } catch (cause) {
    throw system(`${what} failed: ${describe(cause)}`, { code: 'EINVAL', cause });
  }
}
