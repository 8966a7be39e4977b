#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# No assertion of the tests compares a thing with itself, is constant, or hides its failure.
"""Finds assertions that cannot fail.

In C: a comparison of something with itself, with one of its own two alternatives, or with the constant that the line before assigned, a constant condition, or a test without an assertion. In shell: a negated command whose status is unused, and a check
whose failure is swallowed. BREAK=1 adds one of each kind, and fails unless each is found."""
import glob
import os
import re
import sys
import tempfile

EQUAL = r'assert_(?:int|string|ptr|memory|float)_equal\('


def arguments(text):
    """The arguments of a call whose opening bracket is before `text`."""
    depth, start, found = 0, 0, []
    for i, c in enumerate(text):
        if c in '([{':
            depth += 1
        elif c in ')]}':
            if not depth:
                found.append(text[start:i].strip())
                return found
            depth -= 1
        elif c == ',' and not depth:
            found.append(text[start:i].strip())
            start = i + 1
    return []


def line_of(text, at):
    return text.count('\n', 0, at) + 1


def functions(text):
    """Name, body and place of each function whose body begins in column 0."""
    for m in re.finditer(r'^(?:static )?[a-z_ ]*?\**(\w+)\(([^;{}]*)\)\n\{\n(.*?)^\}', text, re.M | re.S):
        yield m.group(1), m.group(2), m.group(3), line_of(text, m.start())


def in_c(name, text, other=''):
    for m in re.finditer(EQUAL, text):
        a = arguments(text[m.end():])
        if len(a) < 2:
            continue
        where = f'{name}:{line_of(text, m.start())}'
        if a[0] == a[1]:
            yield f'{where}: compares {a[0]} with itself'
        choice = re.match(r'.*\?(.*):(.*)', a[0], re.S)
        if choice and a[1] in (choice.group(1).strip(), choice.group(2).strip()):
            yield f'{where}: {a[1]} is an alternative of what it is compared with'
        before = text[:m.start()].rstrip().rsplit('\n', 1)[-1].strip()
        if before == f'{a[0]} = {a[1]};':
            yield f'{where}: the line before assigns {a[1]}'
    for m in re.finditer(r'assert_(true|false)\((?:[01]|true|false|.*\|\| *(?:1|true))\)', text):
        yield f'{name}:{line_of(text, m.start())}: a constant condition'
    # a test without an assertion, by itself and by all that it calls
    bodies = {n: b for n, _, b, _ in functions(other + text)}
    bodies.update(re.findall(r'^#define (\w+)\(.*?\) (.*)', other + text, re.M))

    def asserts(function, seen):
        if re.search(r'\b(assert_|fail(_msg)?\(|MUST\(|expect_)', bodies[function]):
            return True
        called = {c for c in re.findall(r'\b(\w+)\(', bodies[function]) if c in bodies and c not in seen}
        return any(asserts(c, seen | called) for c in called)
    for n, parameters, _, line in functions(text):
        if 'void **state' in parameters and not asserts(n, {n}) and f'cmocka_unit_test({n})' in text:
            yield f'{name}:{line}: {n}() asserts nothing'


def in_shell(name, text):
    lines = text.split('\n')
    for i, line in enumerate(lines):
        code = line.strip()
        whole = not code.endswith(('\\', '|', '||', '&&')) and not re.search(r'\|\||&&', code)
        last = i + 1 < len(lines) and re.match(r'\}|\)|\s+(done|fi|esac)', lines[i + 1])
        if re.match(r'! [^=]', code) and whole and not last:
            yield f'{name}:{i + 1}: `!` takes the status from set -e: {code}'
        if re.match(r'(expect|fail|diff|cmp|expect_sums|holds)\b.*\|\| *(:|true)$', code):
            yield f'{name}:{i + 1}: the failure is swallowed: {code}'


def findings(files, shared):
    for name in files:
        with open(name, encoding='utf-8') as file:
            text = file.read()
        yield from (in_shell(name, text) if name.endswith('.sh') else in_c(name, text, shared))


def seeds(directory):
    c, sh = os.path.join(directory, 'seed.c'), os.path.join(directory, 'seed.sh')
    with open(c, 'w', encoding='utf-8') as file:
        file.write('static void empty(void **state)\n{\n\tputs("");\n}\n\nstatic void others(void **state)\n{\n'
                   '\tassert_int_equal(f(x), f(x));\n\tassert_int_equal(f(x) ? -EINVAL : 0, -EINVAL);\n'
                   '\trc = 0;\n\tassert_int_equal(rc, 0);\n\tassert_true(x || 1);\n}\n\n'
                   'tests = { cmocka_unit_test(empty), cmocka_unit_test(others) };\n')
    with open(sh, 'w', encoding='utf-8') as file:
        file.write('! grep -q x y\necho\nexpect a 1 == 2 || :\n')
    return [c, sh], 7


def main():
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
    shared = ''.join(open(f, encoding='utf-8').read() for f in glob.glob('tests/*/*.h') + glob.glob('tests/host/*.c'))
    files = glob.glob('tests/*/*.[ch]') + glob.glob('tests/*/*.sh') + glob.glob('selftests/*/*.sh')
    with tempfile.TemporaryDirectory() as directory:
        seeded, number = seeds(directory)
        found = list(findings(seeded, ''))
        if len(found) != number:
            sys.exit(f'{len(found)} of {number} seeded assertions were found:\n' + '\n'.join(found))
        found = list(findings(sorted(files) + (seeded if os.environ.get('BREAK') else []), shared))
    print('\n'.join(found) or f'each assertion in {len(files)} files can fail, as far as this can tell')
    sys.exit(bool(found))


main()
