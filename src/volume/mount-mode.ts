/** The options of `-v source:target:options`, taken apart. */
export interface MountMode {
  readOnly: boolean;
  /** Empty when not given. */
  propagation: string;
  /** False for `nocopy`, undefined when not given. */
  copy: boolean | undefined;
}

const PROPAGATIONS = ['shared', 'rshared', 'slave', 'rslave', 'private', 'rprivate'];

/** Each kind of option may be given once. SELinux labels and consistency are accepted and have no effect here. */
const KINDS: readonly (readonly string[])[] = [
  ['rw', 'ro'],
  ['z', 'Z'],
  ['nocopy'],
  PROPAGATIONS,
  ['consistent', 'cached', 'delegated'],
];

export function isPropagation(text: string): boolean {
  return PROPAGATIONS.includes(text);
}

/** Reads `ro,z,rslave`; undefined for an unknown option or two of one kind. Empty text = all defaults. */
export function parseMode(text: string): MountMode | undefined {
  const mode: MountMode = { readOnly: false, propagation: '', copy: undefined };
  if (text === '') return mode;
  const seen = new Set<readonly string[]>();
  for (const option of text.split(',')) {
    const kind = KINDS.find((options) => options.includes(option));
    if (!kind || seen.has(kind)) return undefined;
    seen.add(kind);
    if (option === 'ro') mode.readOnly = true;
    if (option === 'nocopy') mode.copy = false;
    if (isPropagation(option)) mode.propagation = option;
  }
  return mode;
}
