import type { HostConfig } from '#api/types/host-config.ts';
import { invalid } from '#errors/errors.ts';

/** Throws `invalid` in Docker's words. */
export function checkRestartPolicy({
  RestartPolicy,
  AutoRemove,
}: Pick<HostConfig, 'RestartPolicy' | 'AutoRemove'>): void {
  const { Name, MaximumRetryCount } = RestartPolicy;
  const refuse = (why: string) => invalid(`invalid restart policy: ${why}`);
  if (!['', 'no', 'always', 'unless-stopped', 'on-failure'].includes(Name)) {
    throw refuse(`unknown policy '${Name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`);
  }
  if (Name !== 'on-failure' && MaximumRetryCount !== 0) {
    const negative = MaximumRetryCount < 0 ? ' and cannot be negative' : '';
    throw refuse(`maximum retry count can only be used with 'on-failure'${negative}`);
  }
  if (MaximumRetryCount < 0) throw refuse('maximum retry count cannot be negative');
  if (AutoRemove && Name !== '' && Name !== 'no')
    throw invalid("can't create 'AutoRemove' container with restart policy");
}
