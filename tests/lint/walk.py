#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# In the call trees of docs/inside/walk.md, each function is in the named file, and the function above calls it.
"""docs/inside/walk.md, compared with the sources.

A line of a tree is `- `NAME()` `FILE`: text`; without a file it is in the file of the line above it in the tree. Three things stand for
others: NAME_step() for NAME(), plane(p, VERB) for xdp_VERB() and tc_VERB(), and a function's address for a call of it. Each kind of packet
must have its tree. Then some lines with a fault each (MUST_FIND), which must be found. BREAK=1 checks the page with all of these faults."""
import functools
import os
import re
import sys

sys.dont_write_bytecode = True
os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), '../..'))
sys.path.insert(0, 'tests/lint')
from seeded import check, read  # noqa: E402 pylint: disable=wrong-import-position

PAGE = 'docs/inside/walk.md'
LINE = re.compile(r'^( *)- `(\w+)\(\)`(?: `([\w/.]+)`)?(?::|$)', re.M)
# a program or function that each kind of packet begins with
NEEDED = ('wgxdp_express', 'wgxdp_xdp', 'wgxdp_tc', 'wgxdp_tc_l3', 'wgxdp_tc_egress', 'flow_way', 'guard', 'blind_find', 'site_way', 'run_up', 'run_pass')

MUST_FIND = (
    (r'`rewrite\(\)` `bpf/rewrite.h`', '`rewrite()` `bpf/verdict.h`', 'rewrite() is not in bpf/verdict.h'),
    (r'`classify\(\)` `bpf/service.h`: finds a listener', '`classified()` `bpf/service.h`: finds a listener', 'classified() is not in'),
    (r'`count\(\)`', '`count_peers()`', 'verdict() does not call count_peers()'),
    (r'`xdp_send\(\)` `bpf/plane/xdp.h`: writes', '`xdp_trim()` `bpf/plane/xdp.h`: writes', 'leave() does not call xdp_trim()'),
    (r'`site_way\(\)`', '`site_way`', 'no site_way()'),
)


@functools.cache
def source(path):
    """The text of a source file without its comments."""
    return re.sub(r'/\*.*?\*/', '', read(path), flags=re.S)


def body(path, name):
    """The text of a function from its head to the brace that ends it, or None."""
    text = source(path)
    if re.search(rf'^(INLINE|CALLED|STATE)_STEP\((\w+, )?{name}\)', text, re.M):
        name += '_step'
    macro = re.search(rf'^#define {name}\(', text, re.M)
    found = re.search(rf'^[A-Za-z_][^\n;#]*\b{name}\((?:[^;{{]|\n)*?\)\n{{\n.*?^}}', text, re.M | re.S)
    return found.group(0) if found else '' if macro else None


def calls(text, name):
    verb = re.sub('^(xdp|tc)_', '', name)
    return bool(re.search(rf'\b{name}\(|\bplane\(\w+, {verb}\b|, {name}, ', text.partition('\n{\n')[2]))


def complaints(page):
    above, names, n = [], set(), 0             # above: (indentation, name, file) of the lines that this one is below
    for number, line in enumerate(page.splitlines(), 1):
        if re.match(' *- `', line) and not LINE.match(line):
            yield f'{PAGE}:{number}: not a line of a call tree'
        m = LINE.match(line)
        if not m:
            above = above if line.strip() else []
            continue
        indentation, name, path = len(m.group(1)), m.group(2), m.group(3)
        above = [a for a in above if a[0] < indentation]
        path = path or (above[-1][2] if above else '')
        n += 1
        names.add(name)
        if not os.path.exists(path) or body(path, name) is None:
            yield f'{PAGE}:{number}: {name}() is not in {path}'
        elif above and not calls(body(above[-1][2], above[-1][1]) or '', name):
            yield f'{PAGE}:{number}: {above[-1][1]}() does not call {name}()'
        above.append((indentation, name, path))
    yield from (f'{PAGE}: no {name}()' for name in NEEDED if name not in names)
    if n < 120:
        yield f'{PAGE}: only {n} functions'


def main():
    page = read(PAGE)
    check({PAGE: page}, lambda texts: complaints(texts[PAGE]), [(PAGE, *row) for row in MUST_FIND],
          f'{len(LINE.findall(page))} functions of {PAGE} are where it says, and called by the one above')


if __name__ == '__main__':
    main()
