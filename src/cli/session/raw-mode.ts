import { spawnSync } from 'node:child_process';
import type { Context } from '../command.ts';

/**
 * Hands the terminal to the container: every key goes on as it is, and what comes back is shown as it is. Call the result
 * to put the terminal back. Nothing happens when standard input is no terminal.
 */
export function rawMode(context: Context): () => void {
  const { stdin } = context;
  if (!stdin.isTTY || !stdin.setRawMode) return () => undefined;
  stdin.setRawMode(true);
  // Node leaves the terminal's own handling of line ends on, which adds to the one of the container's terminal.
  spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] });
  return () => stdin.setRawMode?.(false);
}
