/** One way to authenticate that a `WWW-Authenticate` header offers. */
export interface Challenge {
  /** In lower case: `basic`, `bearer`. */
  scheme: string;
  /** Names in lower case. */
  parameters: ReadonlyMap<string, string>;
}

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;
const SPACE = /[ \t]*/y;

/** Parses the header (RFC 9110, 11.6.1), several challenges included. What is malformed ends it. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const match = pattern.exec(header);
    if (match) at = pattern.lastIndex;
    return match;
  };
  for (;;) {
    while (take(SPACE) && header[at] === ',') at++;
    const name = take(TOKEN)?.[0].toLowerCase();
    if (name === undefined) return challenges;
    take(SPACE);
    if (header[at] !== '=') {
      challenges.push({ scheme: name, parameters: new Map() });
      continue;
    }
    at++;
    take(SPACE);
    const quoted = take(QUOTED);
    const value = quoted ? quoted[1]!.replace(/\\(.)/g, '$1') : take(TOKEN)?.[0];
    const last = challenges.at(-1);
    if (value === undefined || !last) return challenges;
    last.parameters.set(name, value);
  }
}
