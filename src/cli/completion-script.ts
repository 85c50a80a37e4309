import type { Command } from 'commander';

interface Entry {
  /** Words that come before: `mcp serve`. */
  readonly path: string;
  /** Commands and options that may come next, with what they are. */
  readonly words: readonly { readonly word: string; readonly about: string }[];
}

/** A script that completes commands and options, from the command tree itself. */
export function completionScript(shell: 'bash' | 'zsh' | 'fish', program: Command): string {
  const entries = entriesOf(program, '');
  if (shell === 'fish') return fishScript(entries);
  return shell === 'zsh' ? zshScript(entries) : bashScript(entries);
}

function entriesOf(command: Command, path: string): Entry[] {
  const commands = command.commands.map((child) => ({
    word: child.name(),
    about: child.description(),
  }));
  const options = command.options.flatMap(({ long, description }) =>
    long === null || long === undefined ? [] : [{ word: long, about: description }],
  );
  const help = { word: '--help', about: 'show help' };
  const choices = command.registeredArguments.flatMap(({ argChoices, description }) =>
    (argChoices ?? KINDS[description]?.split(' ') ?? []).map((word) => ({ word, about: '' })),
  );
  return [
    { path, words: [...commands, ...choices, ...options, help] },
    ...command.commands.flatMap((child) =>
      entriesOf(child, path === '' ? child.name() : `${path} ${child.name()}`),
    ),
  ];
}

/** Arguments that are not declared as choices, since they have aliases too. */
const KINDS: Readonly<Record<string, string>> = {
  'workloads, incidents, policies or remediations (or wl, inc, pol, rem)':
    'workloads incidents policies remediations',
  'workload, incident, policy or remediation': 'workload incident policy remediation',
};

function bashScript(entries: readonly Entry[]): string {
  const cases = entries
    .map(
      ({ path, words }) => `    '${path}') words='${words.map(({ word }) => word).join(' ')}' ;;`,
    )
    .join('\n');
  return `# bash completion for sentinel
_sentinel() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path='' word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in
      -*) ;;
      *) case " ${pathWords(entries)} " in *" \${path:+$path/}$word "*) path="\${path:+$path/}$word" ;; esac ;;
    esac
  done
  case "\${path//\\// }" in
${cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$current"))
}
complete -F _sentinel sentinel
`;
}

function pathWords(entries: readonly Entry[]): string {
  return entries
    .filter(({ path }) => path !== '')
    .map(({ path }) => path.replaceAll(' ', '/'))
    .join(' ');
}

function zshScript(entries: readonly Entry[]): string {
  return `#compdef sentinel
autoload -U +X bashcompinit && bashcompinit
${bashScript(entries)}`;
}

function fishScript(entries: readonly Entry[]): string {
  const lines = entries.flatMap(({ path, words }) => {
    const parts = path === '' ? [] : path.split(' ');
    const children = words.filter(({ word }) => !word.startsWith('-')).map(({ word }) => word);
    const seen = parts.map((part) => `__fish_seen_subcommand_from ${part}`);
    const notYet =
      children.length === 0 ? [] : [`not __fish_seen_subcommand_from ${children.join(' ')}`];
    const condition = [...seen, ...notYet].join('; and ') || 'true';
    return words.map(({ word, about }) => {
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`;
      const description = about === '' ? '' : ` -d ${quote(about)}`;
      return `complete -c sentinel -n ${quote(condition)} ${what}${description}`;
    });
  });
  return `# fish completion for sentinel\n${lines.join('\n')}\n`;
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
