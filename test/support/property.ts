/**
 * fast-check, with the same cases in every run: a suite that passes passes again. WHERRY_TEST_SEED=n tries others;
 * `make fuzz` has targets of its own, with new ones each time.
 */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.WHERRY_TEST_SEED ?? 1) });

export default fc;
