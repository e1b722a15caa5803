import { spawn } from 'node:child_process';
import type { AuthConfig } from '#api/types/registry.ts';
import { CommandError } from '../errors.ts';

/** The user name that says that the secret is an identity token. */
const TOKEN_USER = '<token>';
const NOT_FOUND = 'credentials not found in native keychain';
/** Bytes of a helper's answer. */
const MAX_ANSWER = 1 << 20;

/**
 * A program `docker-credential-<name>` that keeps secrets for docker's client: the protocol of docker-credential-helpers
 * (an action as argument, its input and its answer on the standard streams). Each function throws CommandError with what
 * the program says when it fails.
 */
export interface CredentialHelper {
  /** Undefined when it has none for this registry. */
  get(key: string): Promise<AuthConfig | undefined>;
  store(key: string, auth: AuthConfig): Promise<void>;
  erase(key: string): Promise<void>;
}

interface Secret {
  ServerURL?: string;
  Username?: string;
  Secret?: string;
}

export function credentialHelper(name: string, env: Record<string, string | undefined>): CredentialHelper {
  const program = `docker-credential-${name}`;
  const ask = (action: string, input: string) => run(program, action, input, env);
  return {
    async get(key) {
      const { code, text } = await ask('get', key);
      if (code !== 0 && text.trim() === NOT_FOUND) return undefined;
      if (code !== 0) throw failed(program, 'get', text);
      const { Username = '', Secret = '' } = parseSecret(program, text);
      if (Username === TOKEN_USER) return { identitytoken: Secret, serveraddress: key };
      return { username: Username, password: Secret, serveraddress: key };
    },
    async store(key, auth) {
      const identity = auth.identitytoken ?? '';
      const secret: Secret =
        identity === ''
          ? { ServerURL: key, Username: auth.username ?? '', Secret: auth.password ?? '' }
          : { ServerURL: key, Username: TOKEN_USER, Secret: identity };
      const { code, text } = await ask('store', JSON.stringify(secret));
      if (code !== 0) throw failed(program, 'store', text);
    },
    async erase(key) {
      const { code, text } = await ask('erase', key);
      if (code !== 0 && text.trim() !== NOT_FOUND) throw failed(program, 'erase', text);
    },
  };
}

function parseSecret(program: string, text: string): Secret {
  try {
    return JSON.parse(text) as Secret;
  } catch {
    // What it said may be a secret.
    throw new CommandError(`error getting credentials: ${program} gave an answer that is no JSON`);
  }
}

function failed(program: string, action: string, text: string): CommandError {
  return new CommandError(`error ${verbs[action]} credentials: ${program} failed: ${text.trim().slice(0, 500)}`, {
    hint: "Which helper is used is said by credsStore and credHelpers in docker's config.json.",
  });
}

const verbs: Record<string, string> = { get: 'getting', store: 'storing', erase: 'erasing' };

interface Answer {
  code: number | null;
  text: string;
}

function run(program: string, action: string, input: string, env: Record<string, string | undefined>): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const child = spawn(program, [action], { stdio: ['pipe', 'pipe', 'inherit'], env });
  const pieces: Buffer[] = [];
  let size = 0;
  child.stdout.on('data', (piece: Buffer) => {
    size += piece.length;
    if (size <= MAX_ANSWER) pieces.push(piece);
    else child.kill('SIGKILL');
  });
  child.on('error', (cause: NodeJS.ErrnoException) => {
    const why = cause.code === 'ENOENT' ? 'executable file not found in $PATH' : cause.message;
    reject(new CommandError(`error ${verbs[action]} credentials: exec: "${program}": ${why}`, { cause }));
  });
  child.on('close', (code) => resolve({ code, text: Buffer.concat(pieces).toString() }));
  child.stdin.on('error', () => {}); // its exit code says whether it needed more
  child.stdin.end(input);
  return promise;
}
