#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes from kernel/host/host.tbl, the one list of host system calls:

  wrappers  host.gen.h: the functions with which the kernel calls the host
  filter    filter.gen.h: the same calls and their argument rules, for the seccomp program
  docs      docs/host-abi.md

usage: gen_host.py wrappers|filter|docs host.tbl OUTPUT
"""
import re
import sys


class Call:
    def __init__(self, line, where):
        parts = [part.strip() for part in line.split('|')]
        # A rule may itself contain '|' between constants: everything after the second bar belongs to the rules.
        head = parts[0].split()
        if len(head) != 3 or len(parts) < 3:
            sys.exit(f'{where}: expected "number name group | prototype | rules"')
        self.number, self.name, self.group = int(head[0]), head[1], head[2]
        self.prototype = parts[1]
        self.arguments = [] if self.prototype == 'void' else [a.strip() for a in self.prototype.split(',')]
        self.rules = [Rule(text, where) for text in '|'.join(parts[2:]).split()]
        if len(self.arguments) > 6:
            sys.exit(f'{where}: more than six arguments')
        for rule in self.rules:
            if rule.argument >= len(self.arguments):
                sys.exit(f'{where}: rule on a missing argument')

    def argument_names(self):
        return [re.search(r'(\w+)$', argument).group(1) for argument in self.arguments]


class Rule:
    def __init__(self, text, where):
        match = re.fullmatch(r'a([0-5])(==|&~)(.+)', text)
        if not match:
            sys.exit(f'{where}: cannot read the rule "{text}"')
        self.argument, self.kind, values = int(match.group(1)), match.group(2), match.group(3)
        self.values = values.split(',') if self.kind == '==' else [values]


def read_table(path):
    calls = []
    for number, line in enumerate(open(path), 1):
        if line.strip() and not line.startswith('#'):
            calls.append(Call(line.rstrip('\n'), f'{path}:{number}'))
    if len({call.number for call in calls}) != len(calls):
        sys.exit(f'{path}: a number stands twice')
    return calls


def as_word(argument):
    name = re.search(r'(\w+)$', argument).group(1)
    if '*' in argument:
        return f'(u64)(unsigned long){name}'
    if re.match(r'(int|long|s32|s64)\b', argument):
        return f'(u64)(long){name}'
    return f'(u64){name}'


def wrappers(calls, out):
    out.write('/* SPDX-License-Identifier: Apache-2.0 */\n/* Made by tools/gen_host.py from kernel/host/host.tbl. */\n'
              '#ifndef HOST_GEN_H\n#define HOST_GEN_H\n\n#include "kernel/kernel.h"\n\n')
    structs = sorted(set(re.findall(r'struct (\w+)', ' '.join(call.prototype for call in calls))))
    for name in structs:
        out.write(f'struct {name};\n')
    out.write('\nenum host_call {\n')
    for call in calls:
        out.write(f'\tHOST_CALL_{call.name.upper()},\n')
    out.write('\tHOST_CALL_MAX\n};\n\n')
    out.write('/* How often each was called; the names stand in the order of the enum. */\n'
              'extern u64 host_call_count[];\nextern const char *host_call_names[];\n'
              '#define HOST_CALL_NAMES { ' + ', '.join(f'"{call.name}"' for call in calls) + ' }\n\n'
              'long hostcall(long nr, u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5);\n')
    for call in calls:
        words = [as_word(argument) for argument in call.arguments]
        words += ['0'] * (6 - len(words))
        out.write(f'\nstatic inline long host_{call.name}({call.prototype})\n{{\n'
                  f'\thost_call_count[HOST_CALL_{call.name.upper()}]++;\n'
                  f'\treturn hostcall({call.number}, {", ".join(words)});\n}}\n')
    out.write('\n#endif\n')


def filter_table(calls, out):
    out.write('/* SPDX-License-Identifier: Apache-2.0 */\n/* Made by tools/gen_host.py from kernel/host/host.tbl. */\n'
              '#ifndef FILTER_GEN_H\n#define FILTER_GEN_H\n\n'
              '#include <errno.h>\n#include <fcntl.h>\n#include <linux/falloc.h>\n#include <linux/fs.h>\n'
              '#include <linux/futex.h>\n#include <linux/mman.h>\n#include <linux/sched.h>\n#include <signal.h>\n'
              '#include <stdint.h>\n#include <stdio.h>\n#include <sys/mman.h>\n#include <sys/socket.h>\n\n#include "include/abi/layout.h"\n\n'
              '#define HOST_CALLS %d\n#define HOST_CALL_VALUES 16\n#define HOST_CALL_RULES 3\n\n' % len(calls) +
              'enum { RULE_NONE, RULE_ONE_OF, RULE_BITS };\n'
              'struct host_rule {\n\tuint8_t kind, argument, nr_values;\n\tuint64_t values[HOST_CALL_VALUES];\n};\n'
              'struct host_call {\n\tuint32_t number;\n\tuint8_t needs_directory, nr_rules;\n\tconst char *name;\n'
              '\tstruct host_rule rules[HOST_CALL_RULES];\n};\n\n'
              '/* In the order of host.tbl. */\nstatic const struct host_call host_calls[HOST_CALLS] = {\n')
    for call in calls:
        out.write(f'\t{{ {call.number}, {int(call.group == "dir")}, {len(call.rules)}, "{call.name}", {{')
        for rule in call.rules:
            kind = 'RULE_ONE_OF' if rule.kind == '==' else 'RULE_BITS'
            values = ', '.join(f'(uint64_t)({value})' for value in rule.values)
            if len(rule.values) > 16 or len(call.rules) > 3:
                sys.exit(f'{call.name}: too many values or rules')
            out.write(f'\n\t\t{{ {kind}, {rule.argument}, {len(rule.values)}, {{ {values} }} }},')
        out.write(' } },\n')
    out.write('};\n\n#endif\n')


def docs(calls, out):
    out.write('# The host ABI\n\nMade by `tools/gen_host.py` from `kernel/host/host.tbl`. These are all the system calls '
              'that the host executes for a\ncontainer, whatever the programs in it do. A seccomp filter enforces the list '
              'and the rules on arguments; calls from\noutside the kernel\'s own system call instruction are handed to '
              'the kernel as a signal and never executed.\n\n'
              f'{len([c for c in calls if c.group != "dir"])} calls, and '
              f'{len([c for c in calls if c.group == "dir"])} more when the container has a host directory.\n\n'
              '| number | call | group | arguments | must hold |\n|---|---|---|---|---|\n')
    for call in calls:
        names = call.argument_names()
        rules = []
        for rule in call.rules:
            name = names[rule.argument]
            if rule.kind == '==':
                rules.append(f'{name} is ' + ' or '.join(rule.values))
            else:
                rules.append(f'{name} has no bit outside ' + rule.values[0].strip('()').replace('|', ', '))
        out.write(f'| {call.number} | {call.name} | {call.group} | {", ".join(names)} | {"; ".join(rules)} |\n')


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ('wrappers', 'filter', 'docs'):
        sys.exit(__doc__)
    with open(sys.argv[3], 'w') as out:
        {'wrappers': wrappers, 'filter': filter_table, 'docs': docs}[sys.argv[1]](read_table(sys.argv[2]), out)


main()
