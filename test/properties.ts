/** Property tests draw the same examples in every run; `FAST_CHECK_SEED=7 npx vitest run` draws others. */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.FAST_CHECK_SEED ?? 1) });
