/** A command that cannot be carried out as it was given; `main` prints the message and exits with the code. */
export class CommandError extends Error {
  readonly exitCode: number;
  /** What the user can do about it. */
  readonly hint: string | undefined;

  constructor(message: string, options: { exitCode?: number; hint?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'CommandError';
    this.exitCode = options.exitCode ?? 1;
    this.hint = options.hint;
  }
}

/** The command line itself is wrong: docker's exit code for it is 125, whatever the command. */
export class UsageError extends CommandError {
  constructor(message: string) {
    super(message, { exitCode: 125 });
    this.name = 'UsageError';
  }
}
