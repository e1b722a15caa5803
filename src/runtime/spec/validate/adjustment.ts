import type { Resources } from '#api/types/host-config.ts';

/** Limits that this kernel cannot keep: what they become, and what the client is told. */
export interface Adjustment {
  changes: Partial<Resources>;
  warnings: string[];
}

/** One limit of a family: when it was asked for but not supported, `changes` apply and `warning` is given. */
export interface Discard {
  asked: boolean;
  supported: boolean;
  changes: Partial<Resources>;
  warning: string;
}

export function discardUnsupported(discards: readonly Discard[]): Adjustment {
  const hit = discards.filter(({ asked, supported }) => asked && !supported);
  return {
    changes: Object.assign({}, ...hit.map(({ changes }) => changes)) as Partial<Resources>,
    warnings: hit.map(({ warning }) => warning),
  };
}
