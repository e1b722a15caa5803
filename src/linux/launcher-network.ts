/** Netlink and nft through the launcher, in any network namespace. */
import { system } from '#errors/errors.ts';
import { AT_FDCWD, addCall, type Call, MAX_OUTPUT, none, O_CLOEXEC } from './launcher-calls.ts';
import type { Ask } from './launcher-connection.ts';
import { addExchange } from './launcher-netlink.ts';
import { enterNetns } from './launcher-netns.ts';
import { run } from './launcher-programs.ts';
import type { NetlinkRequest } from './launcher-types.ts';

/** What fits into a reply, with room for the rest of it, in bytes. */
const MAX_LISTING = 14 * MAX_OUTPUT;

const nftErrors: Record<string, string> = {
  ENOENT: 'No such file or directory',
  EEXIST: 'File exists',
  EBUSY: 'Device or resource busy',
  EPERM: 'Operation not permitted',
  EOPNOTSUPP: 'Operation not supported',
  ENOMEM: 'Cannot allocate memory',
};

/** Gives the kernel's answers; EINVAL when there are none, EBADMSG when the descriptor has no place in the messages. */
export async function netlink(ask: Ask, { netns, protocol, messages, namespaceFd }: NetlinkRequest): Promise<Buffer> {
  const what = `netlink (protocol ${protocol}) in ${placeOf(netns)}`;
  const calls: Call[] = [];
  let passed = none;
  if (namespaceFd) {
    const { path, offset } = namespaceFd;
    if (offset > messages.length - 4)
      throw system(`${what} failed: the offset ${offset}: Bad message`, { code: 'EBADMSG' });
    passed = addCall(calls, `opening ${path}`, 'openat', [AT_FDCWD, path, O_CLOEXEC, 0]);
  }
  enterNetns(calls, netns);
  const answers = addExchange(calls, protocol, messages, passed, namespaceFd?.offset);
  const answer = await ask({ what, calls, decode: (results) => results[answers.index]!.output });
  if (answer.length > 0) return answer;
  throw system(`${what} failed: the kernel answered nothing: Invalid argument`, { code: 'EINVAL' });
}

/** Gives the output of commands, which are one transaction. */
export async function nft(
  ask: Ask,
  commands: string,
  { json = false, netns }: { json?: boolean; netns?: string } = {},
): Promise<string> {
  const what = `nft in ${placeOf(netns)}`;
  const argv = ['nft', ...(json ? ['--json'] : []), '--file', '-'];
  const request = { argv, netns, stdin: Buffer.from(commands) };
  const { code, stdout, stderr } = await run(ask, request, { what, maxOutput: MAX_LISTING });
  if (code !== 0) throw nftError(what, stderr.toString());
  if (stdout.length < MAX_LISTING) return stdout.toString();
  throw system(`${what} failed: its output is longer than ${MAX_LISTING} bytes`, { code: 'EMSGSIZE' });
}

function placeOf(netns: string | undefined): string {
  return netns ?? "the engine's network namespace";
}

/** nft tells the kernel's error only by its text, in the first line of its message; before that, it says where. */
function nftError(what: string, output: string) {
  const message = output.replaceAll(/^\/dev\/stdin:\S+ /gm, '') || 'it was killed';
  const [line = ''] = message.split('\n');
  const code = Object.keys(nftErrors).find((name) => line.includes(nftErrors[name]!)) ?? 'EINVAL';
  return system(`${what} failed: ${message}`, { code });
}
