#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# The questions for readers (tests/reader) have answers in the documents, and what docs/inside and docs/design.md name
# in backquotes is in the tree.
"""tests/reader/inside.txt: twenty questions; every file and function of an answer is in the tree, and the page that is named has the words
that are named. Every file and function that docs/inside and docs/design.md name in backquotes is there too. tests/reader/start.txt: the five set-ups; docs/guides/README.md leads to each page, and its selftest is there. Then lines with a fault
each (MUST_FIND), which must be found. BREAK=1 checks the files with all of these faults.

`reader.py --questions` prints the questions alone, for a reader who has only docs/inside and docs/design.md."""
import glob
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), '../..'))
sys.path.insert(0, 'tests/lint')
from seeded import check, read  # noqa: E402 pylint: disable=wrong-import-position

INSIDE, START = 'tests/reader/inside.txt', 'tests/reader/start.txt'
PAGES = sorted(glob.glob('docs/inside/*.md')) + ['docs/design.md']

MUST_FIND = (
    (INSIDE, r'`fib_probe\(\)`', '`fib_probed()`', 'no fib_probed()'),
    (INSIDE, r'`bpf/guard/make\.h`', '`bpf/guard/made.h`', 'no bpf/guard/made.h'),
    (INSIDE, r'because only WireGuard authenticates', 'because it is so', 'docs/inside/blind.md does not say'),
    (INSIDE, r'\AQ[^\n]*|\n\nQ[^\n]*\nA[^\n]*\nP[^\n]*\Z', '', '19 questions'),
    ('docs/inside/daemon.md', r'`apply_follow\(\)`', '`apply_followers()`', 'no apply_followers()'),
    ('docs/design.md', r'`bpf/plane/vlan\.h`', '`bpf/vlan.h`', 'no bpf/vlan.h'),
    (START, r'docs/guides/endpoint\.md', 'docs/guides/names.md', 'docs/guides/README.md does not lead to docs/guides/names.md'),
)


def plain(text):
    return ' '.join(text.replace('**', '').split())


def entries(text):
    """Each block of lines as a list of (letter, text)."""
    for block in re.split(r'\n\n+', '\n'.join(line for line in text.split('\n') if not line.startswith('#')).strip()):
        yield [tuple(line.split(' ', 1)) for line in block.split('\n')]


def sources():
    found = subprocess.run(['grep', '-rhoE', r'\w+\(', 'bpf', 'user', 'include'], check=True, stdout=subprocess.PIPE, text=True).stdout
    steps = re.findall(r'_STEP\((?:\w+, )?(\w+)\)', ''.join(subprocess.run(
        ['grep', '-rhE', '_STEP', 'bpf'], check=True, stdout=subprocess.PIPE, text=True).stdout))
    return {word[:-1] for word in found.split()} | set(steps)


def inside_complaints(text, functions):
    n = 0
    for entry in entries(text):
        if [letter for letter, _ in entry] != ['Q', 'A', 'P']:
            yield f'{INSIDE}: not Q, A and P: {entry}'
            continue
        n += 1
        for name in re.findall(r'`([^`]+)`', entry[1][1]):
            if name.endswith('()') and name[:-2] not in functions:
                yield f'{INSIDE}: no {name}'
            elif not name.endswith('()') and not os.path.exists(name):
                yield f'{INSIDE}: no {name}'
        page, _, words = entry[2][1].partition(' | ')
        if not re.match(r'docs/(inside/|design\.md)', page) or plain(words) not in plain(read(page)):
            yield f'{page} does not say: {words}'
    if n != 20:
        yield f'{INSIDE}: {n} questions, not 20'


def page_complaints(path, text, functions):
    """Files with a folder, and functions, that a page names in backquotes"""
    for number, line in enumerate(text.split('\n'), 1):
        for name in re.findall(r'`([^`]+)`', line):
            is_path = re.fullmatch(r'(?:bpf|user|include|tests|selftests|scripts|docs)/[\w./-]+', name)
            if is_path and not re.search('[A-Z]{4}', name) and not os.path.exists(name):
                yield f'{path}:{number}: no {name}'
            elif re.fullmatch(r'\w+\(\)', name) and name[:-2] not in functions:
                yield f'{path}:{number}: no {name}'


def start_complaints(text, guides):
    n = 0
    for entry in entries(text):
        n += 1
        pages = [what for letter, what in entry if letter == 'P']
        tests = [what for letter, what in entry if letter == 'T']
        if entry[0][0] != 'S' or not pages or len(pages) != len(tests):
            yield f'{START}: not S, P and T: {entry}'
        yield from (f'docs/guides/README.md does not lead to {page}' for page in pages if f'({os.path.basename(page)}' not in guides)
        yield from (f'no {path}' for path in pages + tests if not os.path.exists(path))
        yield from (f'{test} does not follow {page}' for page, test in zip(pages, tests)
                    if os.path.exists(test) and os.path.basename(page)[:-3] not in read(test))
    if n != 5:
        yield f'{START}: {n} set-ups, not 5'


def main():
    texts = {path: read(path).strip() for path in (INSIDE, START, *PAGES)}
    if sys.argv[1:] == ['--questions']:
        print('\n'.join(f'{n}. {entry[0][1]}' for n, entry in enumerate(entries(texts[INSIDE]), 1)))
        return 0
    functions, guides = sources(), read('docs/guides/README.md')

    def complaints(changed):
        return [*inside_complaints(changed[INSIDE], functions), *start_complaints(changed[START], guides),
                *(c for path in PAGES for c in page_complaints(path, changed[path], functions))]

    return check(texts, complaints, MUST_FIND, '20 questions with answers that are on their pages, and 5 set-ups with page and selftest')


if __name__ == '__main__':
    sys.exit(main())
