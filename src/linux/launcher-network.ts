/** Netlink and nft through the launcher, in any network namespace. */
import { isEngineError, system } from '#errors/errors.ts';
import { AT_FDCWD, addCall, type Call, none, O_CLOEXEC } from './launcher-calls.ts';
import type { Ask } from './launcher-connection.ts';
import { addExchange } from './launcher-netlink.ts';
import { enterNetns } from './launcher-netns.ts';
import type { NetlinkRequest } from './launcher-types.ts';

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
) {
  const calls: Call[] = [];
  enterNetns(calls, netns);
  const { index } = addCall(calls, 'libnftables', 'nft', [commands, Number(json)]);
  const listing = ask({
    what: `nft in ${placeOf(netns)}`,
    calls,
    decode: (results) => results[index]!.output.toString(),
    explain: ({ results }) => results[index]!.output.toString() || undefined,
  });
  return await listing.catch((error) => Promise.reject(nftError(error)));
}

function placeOf(netns: string | undefined): string {
  return netns ?? "the engine's network namespace";
}

/** libnftables tells the kernel's error only by its text, in the first line of its message. */
function nftError(error: unknown): unknown {
  if (!isEngineError(error, 'system') || error.code !== 'EINVAL') return error;
  const [line = ''] = error.message.split('\n');
  const code = Object.keys(nftErrors).find((name) => line.includes(nftErrors[name]!)) ?? error.code;
  return system(error.message, { code, cause: error });
}
