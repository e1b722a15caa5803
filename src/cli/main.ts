import { runCommandLine } from './command-line.ts';
import { processContext } from './context.ts';

// A reader that went away (`wherry ps | head -1`) is no fault of this program.
for (const stream of ['stdout', 'stderr'] as const) {
  process[stream].on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}
process.exitCode = await runCommandLine(process.argv.slice(2), processContext);
