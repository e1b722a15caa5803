const collator = new Intl.Collator('en', { numeric: true });

/** The order of names that end in numbers: `net2` before `net10`. */
export const compareNaturally = (a: string, b: string): number => collator.compare(a, b);
