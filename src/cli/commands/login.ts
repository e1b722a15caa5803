import { authenticate } from '#api/client/registry.ts';
import type { AuthConfig } from '#api/types/registry.ts';
import { isEngineError } from '#errors/errors.ts';
import { hostOf } from '#lib/registry-address.ts';
import { askLine, askSecret } from '../ask.ts';
import { type Context, defineCommand, print, printLine } from '../command.ts';
import { configPath } from '../config/config-file.ts';
import { findCredentials, keepCredentials } from '../config/credentials.ts';
import { DEFAULT_REGISTRY } from '../config/registry-key.ts';
import { CommandError } from '../errors.ts';
import { failureText } from '../failure.ts';
import { flag } from '../flags/types.ts';
import { bool, string } from '../flags/values.ts';

export const command = defineCommand({
  usage: '[OPTIONS] [SERVER]',
  args: { min: 0, max: 1 },
  flags: {
    password: flag(string, 'Password; others can see it in the list of processes', { short: 'p' }),
    'password-stdin': flag(bool, 'Read the password from standard input'),
    username: flag(string, 'User name', { short: 'u' }),
  },
  async run({ context, values, given, args: [server = ''] }) {
    const key = server === '' ? DEFAULT_REGISTRY : hostOf(server);
    const login = await givenLogin(context, {
      username: values.username,
      password: values.password,
      fromStdin: values['password-stdin'],
      passwordGiven: given.has('password'),
    });
    const nothingGiven = login.username === '' && login.password === '';
    const existing = nothingGiven ? await tryExisting(context, key) : false;
    if (existing === true) return 0;
    const { username, password } = await completeLogin(context, login, existing || '');
    await logIn(context, { username, password, serveraddress: key });
    return 0;
  },
});

interface Login {
  username: string;
  password: string;
}

interface GivenLogin extends Login {
  fromStdin: boolean;
  passwordGiven: boolean;
}

/** What the flags say. Throws CommandError for contradictions. */
async function givenLogin(
  context: Context,
  { username, password, fromStdin, passwordGiven }: GivenLogin,
): Promise<Login> {
  if (passwordGiven) {
    await print(context.stderr, 'WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n');
    if (fromStdin) throw new CommandError('--password and --password-stdin are mutually exclusive');
  }
  if (!fromStdin) return { username, password };
  if (username === '') throw new CommandError('Must provide --username with --password-stdin');
  const pieces: Uint8Array[] = [];
  for await (const piece of context.stdin) pieces.push(Buffer.from(piece));
  const text = Buffer.concat(pieces).toString();
  return { username, password: text.replace(/\n$/, '').replace(/\r$/, '') };
}

/** Logs in as the user whose credentials are kept: true when that succeeds, else his name. */
async function tryExisting(context: Context, key: string): Promise<true | string> {
  const auth = await findCredentials(context, key);
  if (!auth?.username && !auth?.identitytoken) return auth?.username ?? '';
  await printLine(context, 'Authenticating with existing credentials...');
  try {
    await logIn(context, { ...auth, serveraddress: key });
    return true;
  } catch (error) {
    if (!isEngineError(error, 'unauthorized')) throw error;
    await print(context.stdout, `Login did not succeed, error: ${failureText(error, context.program)}\n`);
    return auth.username ?? '';
  }
}

async function completeLogin(context: Context, login: Login, lastUser: string): Promise<Login> {
  const isInteractive = login.username === '' || login.password === '';
  if (isInteractive && !context.stdin.isTTY) {
    throw new CommandError('Error: Cannot perform an interactive login from a non TTY device', {
      hint: `Give the user by --username and the password by --password-stdin.`,
    });
  }
  const question = lastUser === '' ? 'Username: ' : `Username (${lastUser}): `;
  const username = login.username || (await askLine(context, question)) || lastUser;
  if (username === '') throw new CommandError('Error: Non-null Username Required');
  const password = login.password || (await askSecret(context, 'Password: '));
  if (password === '') throw new CommandError('Error: Password Required');
  return { username, password };
}

/** Has the daemon ask the registry, and keeps what is accepted. */
async function logIn(context: Context, auth: AuthConfig): Promise<void> {
  const { Status, IdentityToken } = await authenticate(await context.client(), auth);
  const kept: AuthConfig = IdentityToken
    ? { username: auth.username, password: '', identitytoken: IdentityToken }
    : { username: auth.username, password: auth.password, identitytoken: auth.identitytoken };
  const isPlain = await keepCredentials(context, auth.serveraddress!, kept);
  if (isPlain && kept.password) {
    await print(
      context.stderr,
      `WARNING! Your password will be stored unencrypted in ${configPath(context.configFolder)}.\n` +
        'Configure a credential helper to remove this warning. See\n' +
        'https://docs.docker.com/engine/reference/commandline/login/#credentials-store\n\n',
    );
  }
  if (Status) await printLine(context, Status);
}
