import { CommandError } from './errors.ts';

/** `linux/arm64/v8` as the API takes it: the JSON of an OCI platform. Throws CommandError for another form. */
export function platformJson(text: string): string {
  const [os, architecture, variant] = text.split('/');
  if (!os || !architecture) throw new CommandError(`invalid platform "${text}": expected OS/ARCHITECTURE[/VARIANT]`);
  return JSON.stringify({ os, architecture, ...(variant ? { variant } : {}) });
}
