#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# The documents are one book: every page is linked, every link and anchor leads somewhere, and lines, cells and pages
# keep their limits.
"""Every relative link leads to an existing file, and every anchor to a heading. Every page of docs/ is
linked from another page, and docs/mkdocs.yml lists it. A line of prose has at most 120 columns, a cell of a table at most 200
characters. A page has at most 400 lines, docs/design.md 200 and README.md 120. Then the test must find the fault of each text in MUST_FIND. BREAK=1 checks the documents with all of these faults.

`book.py --links DIRECTORY` checks the links of a site that `make docs` has built."""
import glob
import os
import posixpath
import re
import sys

sys.dont_write_bytecode = True
os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), '../..'))
sys.path.insert(0, 'tests/lint')
from seeded import check, read  # noqa: E402 pylint: disable=wrong-import-position
from sentences import git_files  # noqa: E402 pylint: disable=wrong-import-position

COLUMNS, CELL, LINES = 120, 200, {'docs/design.md': 200, 'README.md': 120}
LINK = re.compile(r'\]\(([^)\s]+)\)')

MUST_FIND = (
    ('README.md', r'\(docs/guides/relay\.md\)', '(docs/dns.md)', 'no docs/dns.md'),
    ('README.md', r'firewall\.md#what-stays-with-nft-and-why', 'firewall.md#what-stays', 'no heading #what-stays'),
    ('docs/design.md', r'^## Words$', 'w' * 121, '121 columns'),
    ('docs/design.md', r'^\| client \|', '| ' + 'w' * 201 + ' |', '201 characters'),
    ('docs/design.md', r'^## Words$', '\n' * 200, 'lines, 200 are allowed'),
    ('docs/inside/README.md', r'\[libraries\]\(libraries\.md\)', 'libraries', 'docs/inside/libraries.md: no page links to it'),
)


def files():
    listed = git_files('*.md')
    return sorted(listed or glob.glob('*.md') + glob.glob('docs/**/*.md', recursive=True))


def parts(text):
    """Each line with its kind: code, table, comment, prose."""
    fence = comment = in_list = False
    for number, line in enumerate(text.split('\n'), 1):
        if re.match(r' *```', line):
            fence = not fence
            yield number, 'code', line
            continue
        comment = comment or line.startswith('<!--')
        if not line.startswith(' ') and line:
            in_list = bool(re.match(r'([-*+]|\d+\.) ', line))
        kind = 'code' if fence or (line.startswith('    ') and not in_list) else 'comment' if comment else \
            'table' if line.lstrip().startswith('|') else 'prose'
        # code in a list item is indented by four more
        if in_list and re.match(r' {6,}\S', line) and not re.match(r' *([-*+]|\d+\.) ', line):
            kind = 'code'
        comment = comment and '-->' not in line
        yield number, kind, line


def anchors(text):
    """The headings as GitHub and mkdocs name them."""
    found = {}
    for _, kind, line in parts(text):
        m = re.match(r'#+ +(.*)', line)
        if kind == 'prose' and m:
            heading = re.sub(r'\[([^]]*)\]\([^)]*\)', r'\1', m.group(1))
            name = re.sub(r'[^\w\- ]', '', heading.strip().lower()).replace(' ', '-')
            found[name if name not in found else f'{name}-{found[name]}'] = 1
            found[name] = found.get(name, 0)
    return set(found)


def width_complaints(path, text):
    most = LINES.get(path, 400)
    lines = text.count('\n')
    if lines > most:
        yield f'{path}: {lines} lines, {most} are allowed'
    for number, kind, line in parts(text):
        if kind in ('prose', 'comment') and len(line) > COLUMNS and ' ' in line.strip():
            yield f'{path}:{number}: {len(line)} columns, {COLUMNS} are allowed'
        elif kind == 'prose' and len(line) > COLUMNS:
            yield f'{path}:{number}: {len(line)} columns, {COLUMNS} are allowed'
        if kind == 'table':
            for cell in re.split(r'(?<!\\)\|', line.strip().strip('|')):
                shown = LINK.sub(']', cell.strip())
                if len(shown) > CELL:
                    yield f'{path}:{number}: a cell of {len(shown)} characters, {CELL} are allowed'


def complaints(texts):
    linked = {'README.md', 'docs/README.md'}
    for path, text in texts.items():
        for number, kind, line in parts(text):
            for url in LINK.findall(line) if kind != 'code' else ():
                if re.match('[a-z]+:|<', url):
                    continue
                name, _, anchor = url.partition('#')
                target = posixpath.normpath(posixpath.join(posixpath.dirname(path), name)) if name else path
                linked |= {target} if target != path else set()
                if not os.path.exists(target):
                    yield f'{path}:{number}: no {target}'
                elif anchor and target in texts and anchor not in anchors(texts[target]):
                    yield f'{path}:{number}: {target} has no heading #{anchor}'
        if path.startswith('docs/') or '/' not in path:
            yield from width_complaints(path, text)
    pages = {f'docs/{page}' for page in re.findall(r': ([\w/.-]+\.md)$', read('docs/mkdocs.yml'), re.M) if not re.search(r'\.[58]\.md$', page)}
    yield from (f'{path}: not in docs/mkdocs.yml' for path in texts if path.startswith('docs/') and path not in pages)
    yield from (f'docs/mkdocs.yml: no {path}' for path in pages if path not in texts)
    yield from (f'{path}: no page links to it' for path in texts if path.startswith('docs/') and path not in linked)


def site_complaints(directory):
    """Links of a built site, each within its directory."""
    pages = {}
    for path in glob.glob(f'{directory}/**/*.html', recursive=True):
        pages[os.path.normpath(path)] = read(path)
    for path, text in pages.items():
        for url in re.findall(r'<(?:a|img|link|script)\b[^>]*\b(?:href|src)="([^"]*)"', text):
            name, _, anchor = url.partition('#')
            if re.match('[a-z]+:|//', url) or (path.endswith('404.html') and url.startswith('/')):
                continue
            target = os.path.normpath(os.path.join(os.path.dirname(path), name.partition('?')[0])) if name else path
            target = os.path.join(target, 'index.html') if os.path.isdir(target) else target
            if not os.path.exists(target):
                yield f'{path}: no {url}'
            elif anchor and target in pages and not re.search(rf'\b(?:id|name)="{re.escape(anchor)}"', pages[target]):
                yield f'{path}: no place {url}'
    if len(pages) < 30:
        yield f'{directory}: only {len(pages)} pages'


def main():
    if sys.argv[1:2] == ['--links']:
        bad = sorted(set(site_complaints(sys.argv[2])))
        print('\n'.join(bad) or f'every link of {sys.argv[2]} leads somewhere')
        return bool(bad)
    texts = {path: read(path) for path in files()}
    links = sum(len(LINK.findall(text)) for text in texts.values())
    return check(texts, complaints, MUST_FIND,
                 f'{len(texts)} documents, {links} links: every link leads somewhere, and no page, line or cell is too long')


if __name__ == '__main__':
    sys.exit(main())
