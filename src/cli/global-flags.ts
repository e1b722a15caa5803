import { flag } from './flags/types.ts';
import { bool, list, string } from './flags/values.ts';

/** The flags that stand before the command. */
export const globalFlags = {
  config: flag(string, "Folder of docker's client configuration"),
  context: flag(string, 'Name of the context to use; overrides DOCKER_HOST', { short: 'c' }),
  debug: flag(bool, 'Accepted for compatibility', { short: 'D', hidden: true }),
  host: flag(list, 'Daemon to talk to: unix:///path.sock, tcp://host:port or ssh://user@host', { short: 'H' }),
  'log-level': flag(string, 'Accepted for compatibility', { short: 'l', hidden: true }),
  tls: flag(bool, 'Use TLS; implied by --tlsverify'),
  tlscacert: flag(string, 'Trust certificates signed only by this CA'),
  tlscert: flag(string, 'Path of the TLS certificate file'),
  tlskey: flag(string, 'Path of the TLS key file'),
  tlsverify: flag(bool, 'Use TLS and verify the daemon'),
  version: flag(bool, 'Show the versions and exit', { short: 'v' }),
};
