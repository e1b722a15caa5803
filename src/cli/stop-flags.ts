import { alias, flag } from './flags/types.ts';
import { int, string } from './flags/values.ts';

/** The flags of stop and restart. */
export const stopFlags = {
  signal: flag(string, "Send this signal first instead of the container's own", { short: 's' }),
  timeout: flag(int, 'Seconds to wait before killing the container; -1 waits for ever', { short: 't' }),
  time: alias(int, 'timeout'),
};
