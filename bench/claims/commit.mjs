/** Which code a row comes from: the package's version stays the same from one commit to the next. */
import { execFileSync } from 'node:child_process';
import { packageRoot } from '../../dist/native/packageRoot.js';

const runGit = (...args) =>
  execFileSync('git', ['-C', packageRoot, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });

/** The commit that is checked out, with `-dirty` where its code was changed since; null where there is none. */
export function codeCommit(git = runGit) {
  try {
    const commit = git('rev-parse', 'HEAD').trim();
    return git('status', '--porcelain', '--', 'src', 'native', 'bench/claims') ? `${commit}-dirty` : commit;
  } catch {
    return null;
  }
}
