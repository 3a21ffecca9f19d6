#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes from cli/commands.tbl: the tables of the parser and help, the man page, the bash completion.

usage: gen_commands.py header|man|bash commands.tbl OUTPUT
"""
import sys


def read_table(path):
    commands, options = [], {}
    for number, line in enumerate(open(path), 1):
        line = line.strip()
        if not line or line.startswith('#'):
            continue
        # The synopsis of run contains bars of its own: only " | " separates.
        parts = [part.strip() for part in line.split(' | ')]
        if parts[0] == 'command':
            name, text = parts[1], parts[-1]
            arguments = ' | '.join(parts[2:-1])
            commands.append((name, '' if arguments == '-' else arguments, text))
            options[name] = []
        elif parts[0] == 'option' and len(parts) == 5 and parts[1] in options:
            options[parts[1]].append(parts[2:])
        else:
            sys.exit(f'{path}:{number}: cannot read this line')
    return commands, options


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


def header(commands, options, out):
    out.write('/* SPDX-License-Identifier: Apache-2.0 */\n/* Made by tools/gen_commands.py from cli/commands.tbl. */\n'
              '#ifndef COMMANDS_GEN_H\n#define COMMANDS_GEN_H\n\n#include "cli/cli.h"\n\n')
    for name, _, _ in commands:
        symbol = name.replace('-', '_')
        out.write(f'int command_{symbol}(const struct cli_command *command, int argc, char **argv);\n')
        if options[name]:
            out.write('enum {\n')
            for option, _, _ in options[name]:
                out.write(f'\t{symbol.upper()}_{option.replace("-", "_").upper()},\n')
            out.write('};\n')
            out.write(f'static const struct cli_option {symbol}_options[] = {{\n')
            for option, value, text in options[name]:
                kind = 'VALUE_NONE' if value == '-' else 'VALUE_OPTIONAL' if value.startswith('[') else 'VALUE_REQUIRED'
                out.write(f'\t{{ {quoted(option)}, {kind}, {quoted(shown(option, value))},\n\t  {quoted(text)} }},\n')
            out.write('\t{ 0 }\n};\n')
    out.write('\nstatic const struct cli_command cli_commands[] = {\n')
    for name, arguments, text in commands:
        table = f'{name.replace("-", "_")}_options' if options[name] else '0'
        out.write(f'\t{{ {quoted(name)}, {quoted(arguments)}, {quoted(text)}, {table}, command_{name.replace("-", "_")} }},\n')
    out.write('\t{ 0 }\n};\n\n#endif\n')


def roff(text):
    return text.replace('\\', '\\e').replace('-', '\\-')


def man(commands, options, out):
    out.write('.\\" Made by tools/gen_commands.py from cli/commands.tbl.\n.TH LINUXD 1\n.SH NAME\n'
              'linuxd \\- run Linux containers on a kernel in user space\n.SH SYNOPSIS\n')
    for name, arguments, _ in commands:
        out.write(f'.B linuxd {name}\n{"[" + "OPTION..." + "] " if options[name] else ""}{roff(arguments)}\n.br\n')
    out.write('.SH COMMANDS\n')
    for name, arguments, text in commands:
        out.write(f'.TP\n.B {name}\n{roff(text)}\n')
    for name, _, _ in commands:
        if options[name]:
            out.write(f'.SH OPTIONS OF {name.upper()}\n')
            for option, value, text in options[name]:
                out.write(f'.TP\n.B {roff(shown(option, value))}\n{roff(text)}\n')
    out.write('.SH EXIT STATUS\n'
              'That of the command; 128 and the number of the signal that ended it; 125 if linuxd itself failed,\n'
              '126 if the command could not be executed, 127 if it was not found.\n'
              '.SH EXAMPLES\n.nf\nlinuxd run builtin:busybox sh\n'
              'linuxd run \\-\\-rootfs ./debian \\-\\-tty \\-\\- bash\n'
              'linuxd run \\-\\-rootfs ./debian \\-\\-bind $PWD:/src:ro \\-\\-workdir /src \\-\\- make\n.fi\n')


def bash(commands, options, out):
    names = ' '.join(name for name, _, _ in commands)
    out.write('# SPDX-License-Identifier: Apache-2.0\n# Made by tools/gen_commands.py from cli/commands.tbl.\n'
              '_linuxd() {\n\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}\n'
              '\tCOMPREPLY=()\n\tif [ "$COMP_CWORD" = 1 ]; then\n'
              f'\t\tCOMPREPLY=($(compgen -W "{names} --help --version" -- "$word"))\n\t\treturn\n\tfi\n\tcase $command in\n')
    for name, arguments, _ in commands:
        takes_container = arguments.split(' ')[0] == 'CONTAINER'
        if not options[name] and not takes_container:
            continue
        directories = '|'.join(dashed(o) for o, v, _ in options[name] if v in ('DIR', 'HOST:CTR[:ro]'))
        words = ' '.join(dashed(o) for o, _, _ in options[name])
        out.write(f'\t{name})\n\t\tcase $before in\n')
        if directories:
            out.write(f'\t\t{directories})\n\t\t\tCOMPREPLY=($(compgen -d -- "$word"))\n\t\t\treturn ;;\n')
        for option, value, _ in options[name]:
            if '|' in value:
                out.write(f'\t\t{dashed(option)})\n\t\t\tCOMPREPLY=($(compgen -W "{value.replace("|", " ")}" -- "$word"))\n\t\t\treturn ;;\n')
        more = '$(linuxd list --names 2>/dev/null)' if takes_container else 'builtin:busybox' if name == 'run' else ''
        out.write(f'\t\tesac\n\t\tCOMPREPLY=($(compgen -W "{words} --help {more}" -- "$word")) ;;\n')
    out.write(f'\thelp)\n\t\tCOMPREPLY=($(compgen -W "{names}" -- "$word")) ;;\n\tesac\n}}\ncomplete -o default -F _linuxd linuxd\n')


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ('header', 'man', 'bash'):
        sys.exit(__doc__)
    with open(sys.argv[3], 'w') as out:
        {'header': header, 'man': man, 'bash': bash}[sys.argv[1]](*read_table(sys.argv[2]), out)


main()
