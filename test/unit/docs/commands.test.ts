/** The commands that the documentation shows must be ones that the command line accepts. */
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { createProgram } from '../../../src/cli/program.ts';
import { parseOverride } from '../../../src/config/overrides.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { codeBlocks, pages, readPage } from './markdown.ts';

/** `npx selfgrad …` lines as a shell would split them, without the first two words. */
const shown = pages.flatMap((page) =>
  codeBlocks(readPage(page), 'sh')
    .flatMap((block) => block.split('\n'))
    .filter((line) => line.startsWith('npx selfgrad '))
    .map((line) => [page, line] as const),
);

function words(line: string): string[] {
  return [...line.matchAll(/(?:'[^']*'|[^\s'])+/g)].map(([word]) => word.replaceAll("'", '')).slice(2);
}

/** Makes every command hand over its operands instead of running. */
function disarm(program: Command, seen: string[]): void {
  for (const command of program.commands) {
    if (command.commands.length > 0) disarm(command, seen);
    else {
      command.action(function (this: Command) {
        seen.push(...this.args);
      });
    }
  }
}

test('there are commands to check', () => {
  expect(shown.length).toBeGreaterThan(5);
});

test.each(shown)('%s: %s', (_, line) => {
  const program = createProgram();
  const operands: string[] = [];
  disarm(program, operands);
  program.parse(words(line), { from: 'user' });
  const overrides = operands.filter((word) => word.includes('='));
  expect(() => resolveConfig(overrides.map(parseOverride))).not.toThrow();
});
