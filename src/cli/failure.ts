/** What a failed command prints and exits with. */
import { CommanderError } from 'commander';
import { optionRows } from '../config/describe.ts';
import { suggest } from '../config/suggest.ts';
import { SelfgradError } from '../errors.ts';
import { Interrupted } from './interrupt.ts';
import { noteNow } from './output.ts';

/** Commander's `error: unknown option '--x'\n(Did you mean --y?)` as our sentence. */
function usageSentence(message: string): string {
  const text = message
    .replace(/^error: /, '')
    .replace(/\s*\((Did you mean .*\?)\)\s*$/, '. $1')
    .trim();
  const sentence = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.?]$/.test(sentence) ? sentence : `${sentence}.`;
}

/** `--epsilion 1` is most likely an option of the configuration: these are written key=value. */
function optionHint(message: string): string {
  const flag = /^error: unknown option '-+([^'=]+)/.exec(message)?.[1];
  if (flag === undefined || message.includes('Did you mean')) return '';
  const paths = optionRows().map(({ path }) => path);
  const leaf = (path: string) => path.slice(path.lastIndexOf('.') + 1);
  const near = suggest(flag, paths.map(leaf));
  return near === undefined ? '' : ` Did you mean ${paths.find((path) => leaf(path) === near)}=VALUE?`;
}

function describe(error: unknown): { line: string; exitCode: number } {
  if (error instanceof SelfgradError)
    return { line: `${error.code}  ${error.message}`, exitCode: error.exitCode };
  return { line: `ERR_NATIVE  ${error instanceof Error ? error.message : String(error)}`, exitCode: 1 };
}

/** Says what went wrong on stderr, one `CODE  sentence`, and returns the exit code. */
export function reportFailure(error: unknown): number {
  if (error instanceof Interrupted) {
    noteNow(error.message);
    return error.exitCode;
  }
  if (error instanceof CommanderError) {
    // Help and version are no failure; help that stands in for a missing command is.
    if (error.code === 'commander.helpDisplayed' || error.code === 'commander.version') return 0;
    if (error.code !== 'commander.help') {
      noteNow(`ERR_OPTION  ${usageSentence(error.message)}${optionHint(error.message)}`);
    }
    return 2;
  }
  const { line, exitCode } = describe(error);
  noteNow(line);
  if (process.env.SELFGRAD_DEBUG === '1' && error instanceof Error) noteNow(error.stack ?? '');
  return exitCode;
}
