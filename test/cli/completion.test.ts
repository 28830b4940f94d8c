/** Completions as the shells themselves give them. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, test } from 'vitest';
import { selfgrad, temporaryFolder } from './selfgrad.ts';

let script: string;
beforeAll(async () => {
  script = (await selfgrad(['completion', 'bash'])).stdout;
});

/** What bash offers behind `line` with the cursor at its end. */
function offered(line: string): string[] {
  const cwd = temporaryFolder();
  writeFileSync(join(cwd, 'completion.bash'), script);
  writeFileSync(join(cwd, 'photo.yaml'), '');
  const program = `source ./completion.bash
COMP_LINE=$1 COMP_POINT=\${#1}
_selfgrad
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, status } = spawnSync('bash', ['--norc', '-c', program, 'bash', line], {
    cwd,
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.split('\n').filter(Boolean);
}

describe('bash', () => {
  it.each<[string, string[]]>([
    ['selfgrad tr', ['train']],
    ['selfgrad config p', ['print']],
    ['selfgrad train --dry', ['--dry-run']],
    ['selfgrad train --progress ', ['none', 'bar', 'line', 'json']],
    ['selfgrad train --preset q', ['quickstart']],
    ['selfgrad train --preset quickstart train.lab', ['train.labelSmoothing=']],
    ['selfgrad train train.strategy=self', ['self-gradient']],
    ['selfgrad train train.flip=', ['true', 'false']],
    ['selfgrad train data.source=fashion-mnist-', ['fashion-mnist-mini']],
    ['selfgrad train --config ph', ['photo.yaml']],
    ['selfgrad completion --h', ['--help']],
    ['selfgrad eval ph', ['photo.yaml']],
    ['selfgrad train train.lr=', []],
  ])('%s<TAB>', (line, words) => {
    expect(offered(line)).toEqual(words);
  });

  it('offers every command', async () => {
    const { stdout } = await selfgrad(['--help']);
    const commands = [...stdout.matchAll(/^ {2}([a-z]+)[ |]/gm)].map((match) => match[1]);
    expect(offered('selfgrad ')).toEqual(expect.arrayContaining(commands.filter((name) => name !== 'help')));
  });

  it('offers options of the configuration only where they belong', () => {
    expect(offered('selfgrad doctor train.')).toEqual([]);
  });

  it('is bound to the command', () => {
    const { stdout } = spawnSync('bash', ['--norc', '-c', `${script}\ncomplete -p selfgrad`], {
      encoding: 'utf8',
    });
    expect(stdout).toContain('-F _selfgrad selfgrad');
  });
});

/** What a shell prints for `program`; null where it is not installed, which only bash must be. */
function ask(shell: string, program: string, args: readonly string[]): string | null {
  const { error, stdout, stderr } = spawnSync(shell, ['-c', program, ...args], { encoding: 'utf8' });
  if (error) return null;
  expect(stderr).toBe('');
  return stdout;
}

const words: [string, string][] = [
  ['selfgrad tr', 'train'],
  ['selfgrad config p', 'print'],
  ['selfgrad train --progress ', 'bar'],
  ['selfgrad train --preset quickstart train.lab', 'train.labelSmoothing='],
  ['selfgrad train train.strategy=self', 'self-gradient'],
];

test('zsh: offers the same words', async () => {
  const { stdout: zsh, status } = await selfgrad(['completion', 'zsh']);
  expect(status).toBe(0);
  // What zsh's own completion would take in is printed instead.
  const program = `compdef() { }
compset() { }
_files() { }
compadd() { while [[ $1 == -* ]]; do [[ $1 == -S ]] && shift; shift; done; print -l -- "$@" }
${zsh}
typeset -a words=("\${(@s: :)1}")
CURRENT=$#words PREFIX=$words[-1]
_selfgrad`;
  for (const [line, word] of words) {
    const offers = ask('zsh', program, ['zsh', line]);
    if (offers !== null) expect(offers.split('\n')).toContain(word);
  }
  expect(zsh).toContain("'train' ");
});

test('fish: offers the same words', async () => {
  const { stdout: fish, status } = await selfgrad(['completion', 'fish']);
  expect(status).toBe(0);
  for (const [line, word] of words) {
    const offers = ask('fish', `${fish}\ncomplete -C "$argv[1]"`, [line]);
    if (offers !== null) expect(offers).toContain(word);
  }
  expect(fish).toContain("printf '%s\\t%s\\n' 'train.strategy=self-gradient'");
});

test('another shell is refused with the choices', async () => {
  const { status, stderr } = await selfgrad(['completion', 'tcsh']);
  expect(status).toBe(2);
  expect(stderr).toContain('bash, zsh, fish');
});
