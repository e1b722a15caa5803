/** Something in the store that is not as it has to be. The texts are for people. */
export interface CheckProblem {
  /** What it is about: `layer sha256:...`, `container web`. */
  subject: string;
  /** What is wrong with it. */
  problem: string;
  /** The file or folder; absent when it is in the database only. */
  path?: string;
  /** What that means for whoever uses the engine. */
  effect: string;
  /** found: what a repair would do; repaired: what was done; lost: what the user can do. */
  remedy: string;
  /** `lost` = no repair can bring it back. */
  outcome: 'found' | 'repaired' | 'lost';
}

/** What was looked at, and what came of it. */
export interface CheckSummary {
  layers: number;
  /** Of all layers. */
  bytes: number;
  images: number;
  containers: number;
  volumes: number;
  found: number;
  repaired: number;
  lost: number;
  /** What lies aside in the quarantines, from now or earlier. */
  quarantined: string[];
  /** The engine starts again to work with what was repaired. */
  restarts: boolean;
}

/** The `aux` of the messages of `POST /system/check`. */
export type CheckAux = { problem: CheckProblem } | { summary: CheckSummary };
