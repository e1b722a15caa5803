import { compareText } from '../template/values.ts';

/** `a=b,c=d`, in the order of their names. */
export function labelText(labels: Readonly<Record<string, string>> | null | undefined): string {
  return Object.entries(labels ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .sort(compareText)
    .join(',');
}
