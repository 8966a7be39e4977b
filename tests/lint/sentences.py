# SPDX-License-Identifier: GPL-2.0-or-later
"""Extracts the text that people read: comments, messages, help texts, documents. For tests/lint/english.py and tests/reader/draw.

texts(path) yields Text: a paragraph with its line. sentences(text) splits it. Code in backquotes becomes the word CODE."""
import collections
import io
import os
import re
import shutil
import subprocess
import tokenize

# kind: comment, message (also help and metrics), prose, cell (of a table), heading
Text = collections.namedtuple('Text', 'path line kind text code', defaults=[()])  # code: what CODE stands for, in order

SKIPPED = re.compile(r'tests/(corpus|import|mistakes|config|mutants|skips)|debian/(changelog|copyright)|COPYING|docs/container/|.*\.(json|png|pcap|bin|patch|expect)$')
# lines for programs: heads of tests, directives of tools, pictures
DIRECTIVE = re.compile(r'SPDX-|(tier|alone|first|timeout|vm|systemd|nics)(:|$)|shellcheck |!/|pylint:|clang-format|NOLINT|vim?:|type: ignore|noqa|fall ?through')
PICTURE = re.compile(r'[-=─_]{3,}|[│└├┌]|^\s*[|/\\<>]|\|\s*$| {3,}[|<>/\\]|^\S*\s*[-/\\|]+$|\S {4,}\S.* {4,}\S')
INI = re.compile(r'\[[A-Z]\w+\]$|[A-Z]\w+=')      # a file of systemd or WireGuard that a message contains
ITEM = re.compile(r'^\s*(?:[-*] |\d+\. |[A-Za-z_]+(?:, [a-z_]+)*: )')
OPTION = re.compile(r' {1,8}(?:-\S|[A-Za-z(][^ ]*(?: [^ ]+){0,2}  +\S|\S.*? {3,}\S)|^[a-z]+ {2,}\S')


def paragraphs(path, kind, lines):
    """Texts from the lines of a comment or help text: (number, line). An empty line, an item of a list, a row of options begins a new one."""
    start, words, entry = 0, [], False
    for number, line in [*lines, (0, '')]:
        text = line.strip()
        deep = len(line) - len(line.lstrip())
        skip = not text or DIRECTIVE.match(text) or PICTURE.search(line) or (kind == 'message' and INI.match(text))
        fresh = bool(ITEM.match(line) or OPTION.match(line))
        if words and (skip or fresh or (entry and deep < 2)):
            yield Text(path, start, kind, ' '.join(words))
            words, entry = [], False
        if skip or (deep >= 4 and not words):
            continue
        if not words:
            start, entry = number, bool(OPTION.match(line))
        words.append(re.sub(r'^\s*(?:(?:-\S+|[A-Z]+)(?:[ ,|=]+(?:-\S+|[][A-Z.|=]+))*  +|[-*] |\d+\. )', '', line).strip())


def c_string(literal):
    return re.sub(r'\\(n|t|"|\\|x[0-9a-f]{2}|[0-7]{3})', lambda m: {'n': '\n', 't': '\t', '"': '"', '\\': '\\'}.get(m.group(1), ' '), literal)


STRING = r'"(?:\\.|[^"\\\n])*"'
# Literals that the compiler joins, also over a macro such as PINS_DIR and the end of a line of a macro
C_TOKEN = re.compile(r'(?P<block>/\*.*?\*/)|(?P<line>//[^\n]*)|(?P<string>(?:\b[A-Z][A-Z0-9_]{3,}\s*)?' + STRING +
                     r'(?:(?:\s|\\\n)*(?:(?:PRI[a-zA-Z0-9]+|[A-Z][A-Z0-9_]{3,})(?:\s|\\\n)*)?' + STRING + r')*(?:\s+[A-Z][A-Z0-9_]{3,}\b(?!\())?)|\'(?:\\.|[^\'\\])*\'', re.S)


def in_c(path, source):
    lines, last, column = [], 0, -1
    for m in C_TOKEN.finditer(source):
        number = source.count('\n', 0, m.start()) + 1 if m.lastgroup else 0
        if m.lastgroup == 'line':
            begin = source.rfind('\n', 0, m.start()) + 1
            at = m.start() - begin
            if lines and (number != last + 1 or at != column or source[begin:m.start()].strip()):       # code: a comment of its own
                yield from paragraphs(path, 'comment', lines)
                lines = []
            lines.append((number, m.group()[2:].removeprefix(' ')))
            last, column = number, at
        elif m.lastgroup == 'block':
            body = m.group()[2:-2].strip('*').split('\n')
            yield from paragraphs(path, 'comment', [(number + i, re.sub(r'^\s*\*? ?', '', text) if i else text.lstrip()) for i, text in enumerate(body)])
        elif m.lastgroup == 'string':
            text = c_string(''.join('%s' if macro else part for part, macro in re.findall(r'"((?:\\.|[^"\\])*)"|\b([A-Z][A-Z0-9_]{3,})', m.group())))
            is_assert = re.search(r'[Ss]tatic_assert\([^;]*$', source[max(0, m.start() - 200):m.start()])
            if len(re.findall(r'[A-Za-z]{2,}', text)) >= 3 and ' ' in text and not is_assert:
                yield from paragraphs(path, 'message', [(number, line) for line in text.split('\n')])
    yield from paragraphs(path, 'comment', lines)


def in_shell(path, source):
    """Comments; messages are what die, fail, echo, complain and their like get as one quoted word."""
    lines, last, column = [], 0, -1
    for number, line in enumerate(source.split('\n'), 1):
        m = re.match(r'''((?:[^#'"\\]|\\.|'[^']*'|"(?:\\.|[^"\\])*"|(?<=\S)#)*?)(?:(?<=\s)|^)#(?!!)(.*)''', line) if '#' in line else None
        if m:
            at = len(m.group(1).expandtabs())
            if lines and (number != last + 1 or at != column or m.group(1).strip()):
                yield from paragraphs(path, 'comment', lines)
                lines = []
            lines.append((number, m.group(2).removeprefix(' ')))
            last, column = number, at
        if said := re.search(r'''\b(?:die|fail|echo|complain|skip|info|warn|say|tell|expect|wait_for \S+)\s+(['"])(.*?)\1''', line):
            text = re.sub(r'\$\{?\w+\}?|\$\([^)]*\)', 'CODE', said.group(2))
            if len(re.findall(r'[A-Za-z]{2,}', text)) >= 3 and not re.search(r'[{}=]|;$', text):       # a file's text
                yield Text(path, number, 'message', text)
    yield from paragraphs(path, 'comment', lines)


def in_python(path, source):
    lines, last, column, fresh = [], 0, -1, True
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        number, at = token.start
        if token.type == tokenize.COMMENT:
            if lines and (number != last + 1 or at != column or token.line[:at].strip()):
                yield from paragraphs(path, 'comment', lines)
                lines = []
            lines.append((number, token.string[1:].removeprefix(' ')))
            last, column = number, at
        elif token.type == tokenize.STRING and fresh and token.string.lstrip('rf').startswith('"""'):
            body = token.string.lstrip('rf')[3:-3].split('\n')
            deep = min((len(x) - len(x.lstrip()) for x in body[1:] if x.strip()), default=0)
            yield from paragraphs(path, 'comment', [(number + i, text[deep:] if i else text) for i, text in enumerate(body)])
        if token.type != tokenize.COMMENT:
            fresh = token.type in (tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING) or (fresh and token.type == tokenize.COMMENT)
    yield from paragraphs(path, 'comment', lines)


def in_markdown(path, source):
    source = re.sub(r'^\s*```.*?^\s*```$', lambda m: '\n' * m.group().count('\n'), source, flags=re.M | re.S)
    source = re.sub(r'<!--|-->|<[^>\n]*>', '', source)
    start, words = 0, []
    for number, line in enumerate([*source.split('\n'), ''], 1):
        code = line.startswith(('    ', '\t')) and not words
        fresh = not line.strip() or code or line.startswith(('#', '|', '![')) or ITEM.match(line) or DIRECTIVE.match(line.strip())
        if words and fresh:
            yield Text(path, start, 'prose', ' '.join(words))
            words = []
        if not line.strip() or code or line.startswith('![') or DIRECTIVE.match(line.strip()):
            continue
        if line.startswith('|'):
            for cell in re.split(r'(?<!\\)\|', line.strip().strip('|')):
                yield Text(path, number, 'cell', cell.strip())
        elif line.startswith('#'):
            yield Text(path, number, 'heading', line.lstrip('#').strip())
        else:
            start = start if words else number
            words.append(re.sub(r'^\s*(?:[-*] |\d+\. )', '', line).strip() if ITEM.match(line) else line.strip())


def in_manual(path, source):
    """mdoc: a macro that is not one of a paragraph is a word of the sentence that it stands in. A SYNOPSIS has no sentences."""
    start, words, literal, section = 0, [], False, ''
    for number, line in enumerate([*source.split('\n'), '.Pp'], 1):
        if line.startswith('.\\"'):
            continue
        macro = line[1:3] if line.startswith('.') else ''
        section = line[4:] if macro == 'Sh' else section
        if macro in ('Bd', 'Ed'):
            literal = macro == 'Bd' and '-literal' in line
        ends = macro in ('Sh', 'Ss', 'Pp', 'It', 'Bl', 'El', 'Bd', 'Ed', 'Dd', 'Dt', 'Os', 'Nd')
        if (ends or literal) and words:
            yield Text(path, start, 'prose', ' '.join(words))
            words = []
        if ends or literal or not line or section == 'SYNOPSIS':
            continue
        start = start if words else number
        if macro:
            tail = re.search(r' ([.,;:)]+)$', line)
            line = '`' + line[1:-len(tail.group(0)) if tail else None] + '`' + (tail.group(1) if tail else '')
        words.append(line)


def in_lines(path, source):
    """Whole-line comments alone: YAML, systemd's units, nft, the Makefile"""
    block = []
    for number, line in enumerate(source.split('\n'), 1):
        m = re.match(r'\s*#+ ?(.*)', line)
        if m:
            block.append((number, m.group(1)))
        else:
            yield from paragraphs(path, 'comment', block)
            block = []
    yield from paragraphs(path, 'comment', block)


def reader(path, source):
    if path.endswith(('.c', '.h', '.def', '.js')):
        return in_c
    if path.endswith('.py') or source.startswith('#!/usr/bin/python3'):
        return in_python
    if path.endswith('.sh') or re.match(r'#!.*sh\n', source):
        return in_shell
    if path.endswith('.md'):
        return in_markdown
    if re.search(r'\.[58]$', path):
        return in_manual
    return in_lines if re.search(r'\.(ya?ml|service|timer|conf|nft|in|toml)$|Makefile$|Containerfile$', path) else None


def texts(path):
    try:
        with open(path, encoding='utf-8') as file:
            source = file.read()
    except UnicodeDecodeError:
        return
    read = reader(path, source)
    if read:
        for text in read(path, source):
            code = re.findall(r'``.*?``|`[^`]*`', text.text)
            plain = re.sub(r'``.*?``|`[^`]*`', 'CODE', text.text)
            plain = re.sub(r'\[([^]]*)\]\([^)]*\)', r'\1', plain)
            plain = re.sub(r'\*\*|(?<!\w)[*_](?=\w)|(?<=\w)\*(?!\w)|\\f.|\\\(d?q?', '', plain)
            plain = re.sub(r' \((?:tests: [^)]*|not held)\)', '', plain)          # docs/inside/threat-model.md: references
            if plain.strip():
                yield text._replace(text=plain.strip(), code=code)


def sentences(text):
    """A sentence ends with a stop, but not with that of an abbreviation. Names of programs begin with a small letter."""
    return [s for s in re.split(r'(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)(?<!etc\.)(?<!cf\.)(?<!vs\.)["\')]*\s+(?=["\'(]?\w)', text) if s]


def git_files(*patterns):
    """Returns the repository's files, and new ones that git does not ignore. [] without git or a repository, as in a source package."""
    if not shutil.which('git'):
        return []
    listed = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard', *patterns], check=False, stdout=subprocess.PIPE, text=True)
    return [path for path in listed.stdout.split('\n') if os.path.exists(path)]


def files():
    found = git_files()
    if not found:
        found = [p[2:] for p in subprocess.run(['find', '.', '-type', 'f', '-not', '-path', './build*', '-not', '-path', './.git/*'], check=True,
                                                stdout=subprocess.PIPE, text=True).stdout.split('\n')]
    return [path for path in found if path and not SKIPPED.match(path)]
