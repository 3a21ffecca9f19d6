#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes from cli/commands.tbl: the tables of the parser and help, the man pages, the completions.

usage: gen_commands.py header|man|bash|zsh|fish commands.tbl OUTPUT
       gen_commands.py pages commands.tbl DIRECTORY      linuxd-COMMAND.1 for each command
       gen_commands.py names commands.tbl                the names of commands, for the build
"""
import os
import sys


class Table:
    def __init__(self, path):
        self.commands, self.options, self.globals, self.examples = [], {}, [], {}
        with open(path) as f:
            for number, line in enumerate(f, 1):
                line = line.strip()
                if line and not line.startswith('#') and not self.take([part.strip() for part in line.split(' | ')]):
                    sys.exit(f'{path}:{number}: cannot read this line')

    def take(self, parts):
        # The synopsis of run contains bars of its own: only " | " separates.
        kind = parts[0]
        if kind == 'command' and len(parts) > 3:
            arguments = ' | '.join(parts[2:-1])
            self.commands.append((parts[1], '' if arguments == '-' else arguments, parts[-1]))
            self.options[parts[1]], self.examples[parts[1]] = [], []
        elif kind == 'option' and len(parts) == 5 and parts[1] in self.options:
            self.options[parts[1]].append(parts[2:])
        elif kind == 'global' and len(parts) == 4:
            self.globals.append(parts[1:])
        elif kind == 'example' and len(parts) == 4 and parts[1] in self.options:
            self.examples[parts[1]].append(parts[2:])
        else:
            return False
        return True


def quoted(text):
    return '"' + text.replace('\\', '\\\\').replace('"', '\\"') + '"'


def dashed(name):
    return ('-' if len(name) == 1 else '--') + name


def shown(name, value):
    if len(name) == 1 and value != '-':
        return f'-{name} {value}'
    if value == '-':
        return dashed(name)
    if value.startswith('['):
        return f'--{name}[={value[1:-1]}]'
    return f'--{name} {value}'


def words_of(value):
    return value.split('|') if '|' in value else []


# ---- tables of the parser ----

def option_table(symbol, options, out):
    out.write(f'static const struct cli_option {symbol}[] = {{\n')
    for option, value, text in options:
        kind = 'VALUE_NONE' if value == '-' else 'VALUE_OPTIONAL' if value.startswith('[') else 'VALUE_REQUIRED'
        out.write(f'\t{{ {quoted(option)}, {kind}, {quoted(shown(option, value))},\n\t  {quoted(text)} }},\n')
    out.write('\t{ 0 }\n};\n')


def header(table, out):
    out.write('/* SPDX-License-Identifier: Apache-2.0 */\n/* Made by tools/gen_commands.py from cli/commands.tbl. */\n'
              '#ifndef COMMANDS_GEN_H\n#define COMMANDS_GEN_H\n\n#include "cli/cli.h"\n\n')
    for name, _, _ in table.commands:
        symbol = name.replace('-', '_')
        out.write(f'int command_{symbol}(const struct cli_command *command, int argc, char **argv);\n')
        if table.options[name]:
            out.write('enum {\n')
            for option, _, _ in table.options[name]:
                out.write(f'\t{symbol.upper()}_{option.replace("-", "_").upper()},\n')
            out.write('};\n')
            option_table(f'{symbol}_options', table.options[name], out)
    option_table('cli_globals', table.globals, out)
    out.write('\nstatic const struct cli_command cli_commands[] = {\n')
    for name, arguments, text in table.commands:
        options = f'{name.replace("-", "_")}_options' if table.options[name] else '0'
        out.write(f'\t{{ {quoted(name)}, {quoted(arguments)}, {quoted(text)}, {options}, command_{name.replace("-", "_")} }},\n')
    out.write('\t{ 0 }\n};\n\n#endif\n')


# ---- man pages ----

EXIT_STATUS = ('.SH EXIT STATUS\n'
               'Of a command that is run: its own; 128 and the number of the signal that ended it; 125 if linuxd itself failed,\n'
               '126 if the command could not be executed, 127 if it was not found. Of the commands of the OCI runtime: 0, or 1 with the reason\n'
               'on standard error and in the file of \\-\\-log.\n')


def roff(text):
    text = text.replace('\\', '\\e').replace('-', '\\-')
    return '\\&' + text if text.startswith(('.', "'")) else text


def man_options(title, options, out):
    if options:
        out.write(f'.SH {title}\n')
    for option, value, text in options:
        out.write(f'.TP\n.B {roff(shown(option, value))}\n{roff(text)}\n')


def man_examples(examples, out):
    if examples:
        out.write('.SH EXAMPLES\n')
    for line, text in examples:
        out.write(f'.TP\n.B {roff(line)}\n{roff(text)}\n')


def synopsis(table, name, arguments):
    """A line, or none: the command has neither options nor arguments."""
    words = (['[OPTION...]'] if table.options[name] else []) + ([roff(arguments)] if arguments else [])
    return ' '.join(words) + '\n' if words else ''


def man(table, out):
    out.write('.\\" Made by tools/gen_commands.py from cli/commands.tbl.\n.TH LINUXD 1\n.SH NAME\n'
              'linuxd \\- run Linux containers, on a kernel in user space or on the host\'s\n.SH SYNOPSIS\n')
    for name, arguments, _ in table.commands:
        out.write(f'.TP\n.B linuxd {roff(name)}\n{synopsis(table, name, arguments)}')
    out.write('.SH COMMANDS\nEach has a page of its own, as in linuxd\\-run(1).\n')
    for name, _, text in table.commands:
        out.write(f'.TP\n.B {roff(name)}\n{roff(text)}\n')
    man_options('OPTIONS BEFORE THE COMMAND', table.globals, out)
    out.write(EXIT_STATUS)
    man_examples([example for name, _, _ in table.commands for example in table.examples[name]], out)
    out.write('.SH SEE ALSO\n' + ',\n'.join(f'linuxd\\-{roff(name)}(1)' for name, _, _ in table.commands) + '\n')


def page(table, name, arguments, text, out):
    first = text.split('. ')[0].rstrip('.')
    out.write(f'.\\" Made by tools/gen_commands.py from cli/commands.tbl.\n.TH LINUXD-{name.upper()} 1\n.SH NAME\n'
              f'linuxd\\-{roff(name)} \\- {roff(first[0].lower() + first[1:])}\n.SH SYNOPSIS\n'
              f'.B linuxd {roff(name)}\n{synopsis(table, name, arguments)}.SH DESCRIPTION\n{roff(text)}\n')
    man_options('OPTIONS', table.options[name], out)
    man_examples(table.examples[name], out)
    out.write(EXIT_STATUS + '.SH SEE ALSO\nlinuxd(1)\n')


def pages(table, directory):
    for name, arguments, text in table.commands:
        with open(os.path.join(directory, f'linuxd-{name}.1'), 'w') as out:
            page(table, name, arguments, text, out)


# ---- completions ----

DIRECTORIES = ('DIR', 'HOST:CTR[:ro]')
CONTAINERS = '$(linuxd list --names 2>/dev/null)'
# Those of --root, if that stands before the command.
IDS = '$(linuxd ${globals[@]+"${globals[@]}"} list --quiet 2>/dev/null)'


def completed_by(name, arguments):
    first = arguments.split(' ')[0]
    return CONTAINERS if first == 'CONTAINER' else IDS if first == 'ID' and name != 'create' else 'builtin:busybox' if name == 'run' else ''


def bash_values(options, indent, out):
    """What the word after an option completes to; nothing is said of those whose value is a file or a text."""
    out.write(f'{indent}case $before in\n')
    directories = '|'.join(dashed(o) for o, v, _ in options if v in DIRECTORIES)
    if directories:
        out.write(f'{indent}{directories})\n{indent}\tCOMPREPLY=($(compgen -d -- "$word"))\n{indent}\treturn ;;\n')
    files = '|'.join(dashed(o) for o, v, _ in options if v == 'FILE')
    if files:
        out.write(f'{indent}{files})\n{indent}\tCOMPREPLY=($(compgen -f -- "$word"))\n{indent}\treturn ;;\n')
    for option, value, _ in options:
        if words_of(value):
            out.write(f'{indent}{dashed(option)})\n{indent}\tCOMPREPLY=($(compgen -W "{" ".join(words_of(value))}" -- "$word"))\n{indent}\treturn ;;\n')
    out.write(f'{indent}esac\n')


def bash(table, out):
    names = ' '.join(name for name, _, _ in table.commands)
    with_value = '|'.join(dashed(o) for o, v, _ in table.globals if v != '-')
    global_words = ' '.join(dashed(o) for o, _, _ in table.globals)
    out.write('# SPDX-License-Identifier: Apache-2.0\n# Made by tools/gen_commands.py from cli/commands.tbl.\n'
              '_linuxd() {\n\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command= at=1 globals=()\n\tCOMPREPLY=()\n'
              '\t# Options may stand before the command.\n'
              '\twhile [ "$at" -lt "$COMP_CWORD" ]; do\n\t\tcase ${COMP_WORDS[at]} in\n'
              f'\t\t{with_value})\n\t\t\tglobals+=("${{COMP_WORDS[at]}}" "${{COMP_WORDS[at+1]}}")\n\t\t\tat=$((at + 2)) ;;\n'
              '\t\t-*)\n\t\t\tat=$((at + 1)) ;;\n\t\t*)\n\t\t\tcommand=${COMP_WORDS[at]}\n\t\t\tbreak ;;\n\t\tesac\n\tdone\n'
              '\tif [ -z "$command" ]; then\n')
    bash_values(table.globals, '\t\t', out)
    out.write(f'\t\tCOMPREPLY=($(compgen -W "{names} {global_words} --help --version" -- "$word"))\n\t\treturn\n\tfi\n\tcase $command in\n')
    for name, arguments, _ in table.commands:
        more = completed_by(name, arguments)
        if not table.options[name] and not more:
            continue
        words = ' '.join(dashed(o) for o, _, _ in table.options[name])
        out.write(f'\t{name})\n')
        bash_values(table.options[name], '\t\t', out)
        out.write(f'\t\tCOMPREPLY=($(compgen -W "{words} --help {more}" -- "$word")) ;;\n')
    out.write(f'\thelp)\n\t\tCOMPREPLY=($(compgen -W "{names}" -- "$word")) ;;\n'
              '\tcompletion)\n\t\tCOMPREPLY=($(compgen -W "bash zsh fish" -- "$word")) ;;\n\tesac\n}\ncomplete -o default -F _linuxd linuxd linuxd-native\n')


def zsh_text(text):
    for letter in '\\[]:':
        text = text.replace(letter, '\\' + letter)
    return text.replace("'", "'\\''")


def zsh_option(option, value, text):
    action = ''
    if value != '-':
        kind = '_files -/' if value in DIRECTORIES else '_files' if value == 'FILE' else f'({" ".join(words_of(value))})' if words_of(value) else ''
        action = ('::' if value.startswith('[') else ':') + zsh_text(value.strip('[]')) + ':' + kind
    equals = '=' if value != '-' and len(option) > 1 else ''
    return f"'*{dashed(option)}{equals}[{zsh_text(text)}]{action}'"


def zsh(table, out):
    out.write('#compdef linuxd linuxd-native\n# SPDX-License-Identifier: Apache-2.0\n# Made by tools/gen_commands.py from cli/commands.tbl.\n'
              '_linuxd_containers() { compadd -- ${(f)"$(linuxd list --names 2>/dev/null)"} }\n'
              '_linuxd_ids() { compadd -- ${(f)"$(linuxd list --quiet 2>/dev/null)"} }\n'
              '_linuxd() {\n\tlocal state line\n\tlocal -a commands=(\n')
    for name, _, text in table.commands:
        out.write(f"\t\t'{name}:{zsh_text(text)}'\n")
    out.write('\t)\n\t_arguments -C \\\n')
    for option in table.globals:
        out.write(f'\t\t{zsh_option(*option)} \\\n')
    out.write("\t\t'1:command:->command' '*::argument:->arguments'\n\tcase $state in\n\tcommand) _describe command commands ;;\n\targuments)\n\t\tcase $line[1] in\n")
    for name, arguments, _ in table.commands:
        more = completed_by(name, arguments)
        rest = ("'1:container:_linuxd_containers'" if more == CONTAINERS else "'1:id:_linuxd_ids'" if more == IDS else
                "'1:shell:(bash zsh fish)'" if name == 'completion' else "'1:command:->command'" if name == 'help' else "'*:argument:_files'")
        if name == 'help':
            out.write('\t\thelp) _describe command commands ;;\n')
            continue
        options = ' '.join(zsh_option(*option) for option in table.options[name])
        out.write(f'\t\t{name}) _arguments {options} {rest} ;;\n')
    out.write('\t\tesac ;;\n\tesac\n}\n[ "$funcstack[1]" = _linuxd ] && _linuxd "$@" || compdef _linuxd linuxd linuxd-native\n')


def fish_text(text):
    return "'" + text.replace('\\', '\\\\').replace("'", "\\'") + "'"


def fish_option(condition, option, value, text):
    name = f'-s {option}' if len(option) == 1 else f'-l {option}'
    kind = ''
    if value != '-':
        kind = (" -x -a '" + ' '.join(words_of(value)) + "'" if words_of(value) else " -x -a '(__fish_complete_directories)'" if value in DIRECTORIES else
                '' if value.startswith('[') else ' -r')
    return f'complete -c linuxd -n {condition} {name}{kind} -d {fish_text(text)}\n'


def fish(table, out):
    names = ' '.join(name for name, _, _ in table.commands)
    out.write('# SPDX-License-Identifier: Apache-2.0\n# Made by tools/gen_commands.py from cli/commands.tbl.\n'
              f"set -l commands {names}\n")
    no_command = f'"not __fish_seen_subcommand_from {names}"'
    for name, _, text in table.commands:
        out.write(f'complete -c linuxd -f -n {no_command} -a {name} -d {fish_text(text)}\n')
    for option in table.globals:
        out.write(fish_option(no_command, *option))
    for name, arguments, _ in table.commands:
        condition = f'"__fish_seen_subcommand_from {name}"'
        more = completed_by(name, arguments)
        if more in (CONTAINERS, IDS):
            which = '--names' if more == CONTAINERS else '--quiet'
            out.write(f"complete -c linuxd -f -n {condition} -a '(linuxd list {which} 2>/dev/null)'\n")
        elif name == 'help':
            out.write(f'complete -c linuxd -f -n {condition} -a "$commands"\n')
        elif name == 'completion':
            out.write(f'complete -c linuxd -f -n {condition} -a "bash zsh fish"\n')
        for option in table.options[name]:
            out.write(fish_option(condition, *option))
    out.write('complete -c linuxd-native -w linuxd\n')


def main():
    if len(sys.argv) == 3 and sys.argv[1] == 'names':
        print('\n'.join(name for name, _, _ in Table(sys.argv[2]).commands))
        return
    if len(sys.argv) != 4 or sys.argv[1] not in ('header', 'man', 'bash', 'zsh', 'fish', 'pages'):
        sys.exit(__doc__)
    table = Table(sys.argv[2])
    if sys.argv[1] == 'pages':
        pages(table, sys.argv[3])
        return
    with open(sys.argv[3], 'w') as out:
        {'header': header, 'man': man, 'bash': bash, 'zsh': zsh, 'fish': fish}[sys.argv[1]](table, out)


main()
