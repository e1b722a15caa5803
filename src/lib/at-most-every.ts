/** Calls `work`, unless it did so less than `ms` milliseconds ago. */
export function atMostEvery(ms: number, work: () => void): () => void {
  let last = Number.NEGATIVE_INFINITY;
  return () => {
    const now = performance.now();
    if (now - last < ms) return;
    last = now;
    work();
  };
}
