/** Shell completions, from the commands themselves and from the schema of the configuration. */
import type { Command } from 'commander';
import { type OptionRow, optionRows } from '../config/describe.ts';
import { presetNames } from '../config/presets.ts';
import { dataSources } from '../data/open.ts';

export type Shell = 'bash' | 'zsh' | 'fish';
export const shells: readonly Shell[] = ['bash', 'zsh', 'fish'];

/** What may follow a command's name. */
interface Place {
  /** Its path: `config print`; empty for the program itself. */
  path: string;
  commands: readonly Command[];
  flags: { name: string; description: string; values: readonly string[]; takesValue: boolean }[];
  /** Whether `key=value` arguments belong to it. */
  takesOptions: boolean;
}

/** Words that an option of the configuration accepts; none for one that is free. */
function valuesOf({ path, expected }: OptionRow): readonly string[] {
  if (path === 'data.source') return dataSources.map(({ name }) => name);
  const words = expected.replace(/ or null$/, '').split(/, | or /);
  const listed = words.every((word) => /^[a-z0-9-]+$/.test(word));
  return listed && words.length > 1 ? words : [];
}

function placesOf(command: Command, path = ''): Place[] {
  const flags = command.options.map((option) => ({
    name: option.long ?? option.short!,
    description: option.description,
    values: option.argChoices ?? (option.long === '--preset' ? presetNames : []),
    takesValue: option.required,
  }));
  const help = { name: '--help', description: 'display help for command', values: [], takesValue: false };
  const own: Place = {
    path,
    commands: command.commands,
    flags: [...flags, help],
    takesOptions: command.registeredArguments.some((argument) => argument.name() === 'key=value'),
  };
  return [own, ...command.commands.flatMap((child) => placesOf(child, `${path} ${child.name()}`.trim()))];
}

const names = (commands: readonly Command[]) => commands.map((child) => child.name());

/** In single quotes, which none of our names and words hold; descriptions may. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** The cases of a shell's `case`, one a line. */
function cases(entries: readonly (readonly [string, readonly string[]])[], set: string): string {
  return entries
    .filter(([, words]) => words.length > 0)
    .map(([pattern, words]) => `    ${pattern}) ${set}=${quote(words.join(' '))} ;;`)
    .join('\n');
}

/**
 * Shell code, the same for bash and zsh: from the words before the cursor in `typed` and the one under it in `current`
 * it fills `commands`, `flags`, `keys` and `values`, each a list in one string, or sets `file` where a free value stands.
 */
function lookup(program: Command): string {
  const places = placesOf(program);
  const rows = optionRows();
  const label = ({ path }: Place) => quote(path);
  const flagCases = places.flatMap(({ path, flags }) =>
    flags.map((flag) => ({ ...flag, pattern: quote(`${path} ${flag.name}`.trim()) })),
  );
  const free = flagCases.filter(({ takesValue, values }) => takesValue && values.length === 0);
  const choices = flagCases.map(({ pattern, values }) => [pattern, values] as const);
  return `  local place='' commands='' flags='' keys='' values='' file='' previous='' word
  for word in "\${typed[@]}"; do
    case "\${place:+$place }$word" in
    ${places
      .filter(({ path }) => path !== '')
      .map(label)
      .join(' | ')}) place="\${place:+$place }$word" ;;
    esac
    previous=$word
  done
  case "$place" in
${cases(
  places.map((place) => [label(place), names(place.commands)]),
  'commands',
)}
  esac
  case "$place" in
${cases(
  places.map((place) => [label(place), place.flags.map(({ name }) => name)]),
  'flags',
)}
  esac
  case "$place" in
    ${places
      .filter(({ takesOptions }) => takesOptions)
      .map(label)
      .join(' | ')}) keys=${quote(rows.map(({ path }) => `${path}=`).join(' '))} ;;
  esac
  case "\${place:+$place }$previous" in
${cases(choices, 'values')}
    ${free.map(({ pattern }) => pattern).join(' | ')}) file=yes ;;
  esac
  if [[ -n $keys && -z $values && $current == *=* ]]; then
    case "\${current%%=*}" in
${cases(
  rows.map((row) => [quote(row.path), valuesOf(row)] as const),
  'values',
)}
    esac
  fi`;
}

function bash(program: Command): string {
  return `# Completion of selfgrad for bash. Add to ~/.bashrc: source <(npx selfgrad completion bash)
_selfgrad() {
  # Bash splits at = and :, so the words are taken from the line.
  local line=\${COMP_LINE:0:COMP_POINT} current=''
  local -a typed
  read -ra typed <<<"$line"
  [[ $line == *[[:space:]] ]] || { current=\${typed[-1]}; unset 'typed[-1]'; }
  typed=("\${typed[@]:1}")
${lookup(program)}
  if [[ -n $file ]]; then
    COMPREPLY=($(compgen -f -- "$current"))
  elif [[ $current == *=* && -n $keys ]]; then
    # What stands before = is a word of its own to bash.
    COMPREPLY=($(compgen -W "$values" -- "\${current#*=}"))
  elif [[ -n $values ]]; then
    COMPREPLY=($(compgen -W "$values" -- "$current"))
  else
    COMPREPLY=($(compgen -W "$commands $flags $keys" -- "$current"))
    [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
    [[ -z $commands && $current != -* ]] && COMPREPLY+=($(compgen -f -- "$current"))
  fi
}
complete -o filenames -F _selfgrad selfgrad
`;
}

function zsh(program: Command): string {
  return `#compdef selfgrad
# Completion of selfgrad for zsh. Add to ~/.zshrc, behind compinit: source <(npx selfgrad completion zsh)
_selfgrad() {
  local current=$PREFIX
  local -a typed
  typed=("\${(@)words[2,CURRENT-1]}")
${lookup(program)}
  if [[ -n $file ]]; then
    _files
  elif [[ $current == *=* && -n $keys ]]; then
    compset -P '*='
    compadd -- \${=values}
  elif [[ -n $values ]]; then
    compadd -- \${=values}
  else
    compadd -- \${=commands} \${=flags}
    compadd -S '' -- \${=keys}
    [[ -z $commands && $current != -* ]] && _files
  fi
}
compdef _selfgrad selfgrad
`;
}

function fish(program: Command): string {
  const places = placesOf(program);
  const paths = places.map(({ path }) => path).filter((path) => path !== '');
  const lines = places.flatMap((place) => {
    const { path, commands, flags, takesOptions } = place;
    const begin = `complete -c selfgrad -n ${quote(`test (__selfgrad_path) = ${path === '' ? "''" : `'${path}'`}`)}`;
    const command = commands.map(
      (child) => `${begin} -f -a ${child.name()} -d ${quote(child.description())}`,
    );
    const flag = flags.map(({ name, description, values, takesValue }) =>
      [
        `${begin} -l ${name.replace(/^--?/, '')} -d ${quote(description)}`,
        takesValue ? ' -r' : '',
        values.length > 0 ? ` -f -a ${quote(values.join(' '))}` : '',
      ].join(''),
    );
    return [...command, ...flag, ...(takesOptions ? [`${begin} -a '(__selfgrad_options)'`] : [])];
  });
  const options = optionRows().flatMap((row) => {
    const values = valuesOf(row);
    const words = values.length > 0 ? values.map((value) => `${row.path}=${value}`) : [`${row.path}=`];
    return words.map((word) => `    printf '%s\\t%s\\n' ${quote(word)} ${quote(row.description)}`);
  });
  return `# Completion of selfgrad for fish. Write it to ~/.config/fish/completions/selfgrad.fish
function __selfgrad_path
    set -l path ''
    for word in (commandline -opc)[2..]
        set -l next (string trim -- "$path $word")
        contains -- $next ${paths.map(quote).join(' ')}; and set path $next
    end
    echo -- "$path"
end
function __selfgrad_options
${options.join('\n')}
end
${lines.join('\n')}
`;
}

/** The script that makes `shell` complete the program's commands, flags, options and their values. */
export function completionScript(shell: Shell, program: Command): string {
  return { bash, zsh, fish }[shell](program);
}
