#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Comments, messages, help texts and documents are in plain English, within the ceilings of each folder.
"""Plain English in comments, messages, help texts and documents.

  english.py               compares the findings of each folder with tests/lint/english.ceilings
  english.py PATH...       prints every finding in these files or folders
  UPDATE=1 english.py      lowers the ceilings to what is left
  BREAK=1 english.py       adds the seeded sentences to the tree: the check must fail

A class of findings has a column in english.ceilings. A folder without a line there has none. A ceiling only falls: to raise one, edit it by
hand and say why in the commit. Every run first tries the seeded sentences below, good and bad."""
import collections
import os
import re
import sys

sys.dont_write_bytecode = True
os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), '../..'))
sys.path.insert(0, 'tests/lint')
from sentences import DIRECTIVE, Text, files, sentences, texts  # noqa: E402 pylint: disable=wrong-import-position

CEILINGS, FIELD = 'tests/lint/english.ceilings', 'tests/lint/english.words'
CLASSES = ('long', 'begin', 'words', 'coined', 'wide')
LIMIT = {'comment': 35, 'prose': 35, 'heading': 25, 'message': 25, 'cell': 25}
WIDE = 120

# How a sentence must not begin: with a pronoun or a clause in place of its subject. A question may.
BEGIN = re.compile(r'''(?ix) (?:so\ |and\ |but\ |or\ )? (?:
    of\ (?!course) | whom\b | whose\b | nobody\b | what\b(?!:|\ (?:if|about)\b) | who\b(?!:) | where\b | which\b | whatever\b | whoever\b |
    (?:for|from|to|by|with|in|of|at|on)\ (?:who|whom|whose|what|which|where)\b | (?:one|some)\ (?:that|is|are|has|of\ which|who)\b | he\b )''')

# Words and phrases to avoid, and what to write instead
WORDS = [(re.compile(pattern, re.I), meant) for pattern, meant in (
    (r"(?<!user )\bnobody(?!'s land)\b|\bno one\b", 'name the actor'),
    (r'\bwhom\b', 'name the actor'),
    (r'\b(?:for|to|of|by|with|from|that|and|but|or|as|than|if|when|because|which|only|so) who\b', 'name the actor'),
    (r"\b(?:he|him|himself|his)\b", 'name the actor'),
    (r'\b(?:is|are|was|were|be|been) wanted\b', 'say what to do'),
    (r'\bto be had\b', 'available, unavailable'),
    (r'^(?:(?!\b(?:one|either)\b).)*?(?<!\bafter )(?<!\bor )(?<!\band )\bthe other(?= (?:is|has|does|would|may|can|must|was|then|who|that|of|on|in|to|sends|says|knows)\b|[.,;:)]|$)', 'name the actor'),
    (r'\bthe others?\'s\b', 'name the actor'),
    (r'(?:^|[,;:(] |\b(?:but|and|or|of|to|for|by|with|from|as|than|if|that|beside|in|on|only|what|where) )'
     r'one (?:that|which|who|has|can|may|must|does|would|wants|says|sends|of which)\b', 'name the thing'),
    (r'\bsome (?:is|are|was|were|has|have)\b', 'name the thing'),
    (r', for (?:it|they|there|only|that|he|we|nothing|no)\b', 'because'),
    (r'\bbut for\b', 'except'),
    (r'\banew\b', 'again'),
    (r'\b(?:could|can) not be put\b', 'the query failed'),
    (r'\bhas no patience\b', "exceeds the verifier's limit"),
    (r'\b(?:in|takes?|taking|took) the place of (?:that|what|one)\b', 'replace'),
    (r'\bnothing of (?:it|that|them)\b', 'none of it'),
    (r'\bit will not be\b', 'say what does not happen'),
    (r'\bof (?:nobody|none)\b', 'name the thing'),
    (r'\b(?:makes?|made|making) up\b(?=.*\b(?:messages?|packets?|ones?|them|it)\b)', 'forge'),
    (r'\btells? of\b|\bis told of\b|\bare told of\b', 'report'),
    (r'\bof (?:its|their) own accord\b|\bwhence\b|\bthence\b|\blest\b|\bthereby\b|\bwherefore\b|\bwhereof\b', 'plain words'),
    (r'\bthat is wrong for\b|\bhas it that\b', 'plain words'),
    (r'\b(?:judged?|judges|judging)\b', 'check, or decide'),
    (r'\bgone on with\b|\bgoes on with\b', 'continue'),
    (r'^(?!(?:Before|After|Reads|Writes):).*;[^;]*;', 'one sentence, one fact'),
)]

# Text for programs, which is no sentence: statements with semicolons, a web page's policy, and the options of a synopsis
CODE = re.compile(r'(?=.*;.*;).*(?:[{}$=/]|-src |:;)|.*\[--?[a-z]')

# Each with the class that must be found, in a comment; None: nothing
SEEDS = (
    ('long', ' '.join(['word'] * 36)),
    ('begin', 'Of a packet that came in twice'),
    ('begin', 'What is for this host itself is passed'),
    ('begin', 'Whom a reply is for'),
    ('begin', 'For who has the script that this replaces'),
    ('begin', 'Who knows the public key can send these.'),
    ('begin', 'Where nothing is configured, the packet passes.'),
    ('words', 'The slot is one at which nobody looks'),
    ('words', 'The client to whom a reply goes'),
    ('words', 'A number is wanted here'),
    ('words', 'The tc plane, if XDP is not to be had'),
    ('words', 'The client sends, and waits for the other'),
    ('words', 'This is limited, so that who forges messages gets little'),
    ('words', 'Drops it, for there is no backend'),
    ('words', 'Reads it; writes it; counts it'),
    ('coined', 'The flow is dejudged before it is sent.'),
    (None, 'Returns the payload length. A packet that matches no service passes.'),
    (None, 'The client a reply goes to: its address, in network byte order.'),
    (None, 'What is a relay? It joins sites.'),
    (None, 'Retries once: the driver may return EBUSY while the link comes up.'),
    (None, 'protocol kernel { ipv6 { import none; export all; }; }'),
)


def words_of(path):
    with open(path, encoding='utf-8') as file:
        return {word.strip().lower() for word in file if word.strip() and not word.startswith('#')}


class Vocabulary:
    """The words of the dictionary, of the field (FIELD) and of the sources: identifiers, and words in backquotes anywhere in docs/design.md."""

    def __init__(self, paths):
        dictionary = '/usr/share/dict/american-english'
        if not os.path.exists(dictionary):
            sys.exit(f'english: {dictionary}: no such file: install wamerican, or run scripts/deps test')
        self.known = words_of(dictionary) | words_of(FIELD)
        for path in paths:
            self.known.update(re.findall('[a-z]{3,}', path))
            if re.search(r'\.([chs]h?|def|py|ya?ml)$', path) or path.startswith('scripts/'):
                with open(path, encoding='utf-8', errors='replace') as file:
                    code = re.sub(r'/\*.*?\*/|//[^\n]*|(?m:^\s*#(?! *(?:include|define)).*$)', ' ', file.read(), flags=re.S)
                code = re.sub(r'"(?:\\.|[^"\\\n])*"', ' ', code)
                self.known.update(word.lower() for word in re.findall(r'[A-Za-z]{3,}', code.replace('_', ' ')))

    def coined(self, text):
        for word in re.findall(r"(?<![\w./@%$'<\\-])[a-z]{4,}(?![\w./@(=_']|-\d)", text):
            stems = {word, word.removesuffix('s'), word.removesuffix('es'), re.sub('ies$', 'y', word), re.sub('(?:ed|ing|er|ers)$', '', word),
                     re.sub('(?:ed|ing|er)$', 'e', word), re.sub(r'^(?:un|re|non|pre)', '', word), re.sub('(.)\\1(?:ed|ing|er)$', r'\1', word)}
            if not stems & self.known and not re.fullmatch('[a-f]{4}|x+', word):
                yield word


def findings(text, vocabulary):
    """(class, what is wrong) of one text"""
    for sentence in sentences(text.text):
        if CODE.match(sentence):
            continue
        n = len(re.findall(r'\S*\w\S*', sentence))
        if n > LIMIT[text.kind]:
            yield 'long', f'{n} words, {LIMIT[text.kind]} are allowed: {sentence[:60]}…'
        is_free = re.search(r'\?\W*$', sentence) or re.match('[A-Z]{2}', sentence) or text.kind == 'heading'        # a question; names of arguments
        if m := None if is_free else BEGIN.match(sentence):
            yield 'begin', f'begins with "{m.group().strip()}": {sentence[:60]}'
        for pattern, meant in WORDS:
            if m := pattern.search(sentence):
                yield 'words', f'"{m.group()[-30:]}" ({meant}): …{sentence[max(0, m.end() - 40):m.end() + 20]}…'
    for word in vocabulary.coined(text.text):
        yield 'coined', f'no known word: {word} (a field word goes into {FIELD}, a coined one into the table of docs/design.md)'


def wide(path):
    """Lines of prose; code, a table's row and a link cannot be wrapped"""
    if re.search(r'\.(md|[58])$', path):
        with open(path, encoding='utf-8') as file:
            fence = False
            for number, line in enumerate(file, 1):
                line = line.rstrip('\n')
                fence ^= line.lstrip().startswith('```')
                if len(line) > WIDE and not fence and not re.match(r'\s*\||.*\]\(\S{60,}|    ', line):
                    yield number, 'wide', f'{len(line)} columns, {WIDE} are allowed'


def folder(path):
    parts = path.split('/')
    return '.' if len(parts) == 1 else 'docs' if parts[0] == 'docs' else '/'.join(parts[:-1][:2])


def is_read(text):
    """Strings in C are for users in the program alone."""
    return text.kind != 'message' or text.path.startswith(('user/', 'include/', 'bpf/')) or not re.search(r'\.[ch]$', text.path)


def check(paths, vocabulary, extra=()):
    """{(folder, class): [finding]}"""
    found = collections.defaultdict(list)
    every = [t for path in paths for t in texts(path)] + list(extra)
    for text in every:
        for kind, what in findings(text, vocabulary) if is_read(text) else ():
            found[folder(text.path), kind].append(f'{text.path}:{text.line}: {what}')
    for path in paths:
        for number, kind, what in wide(path):
            found[folder(path), kind].append(f'{path}:{number}: {what}')
    return found, len(every)


def seeds():
    return [Text('seeded/seeds.c', i, 'comment', text) for i, (_, text) in enumerate(SEEDS, 1)]


def try_seeds(vocabulary):
    for text, (kind, _) in zip(seeds(), SEEDS):
        got = {k for k, _ in findings(text, vocabulary)}
        if kind not in got if kind else got:
            sys.exit(f'english: seeded sentence: found {sorted(got)}, not {kind}: {text.text}')


def read_ceilings():
    ceilings = collections.Counter()
    with open(CEILINGS, encoding='utf-8') as file:
        for line in file:
            if not line.startswith('#') and line.strip():
                name, *numbers = line.split()
                ceilings.update({(name, kind): int(n) for kind, n in zip(CLASSES, numbers)})
    return ceilings


def write_ceilings(ceilings):
    with open(CEILINGS, encoding='utf-8') as file:
        head = ''.join(line for line in file if line.startswith('#'))
    with open(CEILINGS, 'w', encoding='utf-8') as file:
        file.write(head)
        for name in sorted({name for (name, _), n in ceilings.items() if n}):
            file.write(f'{name:<24}' + ''.join(f'{ceilings[name, kind]:>8}' for kind in CLASSES) + '\n')


def main():
    tree = files()
    vocabulary = Vocabulary(tree)
    try_seeds(vocabulary)
    if wanted := [w.rstrip('/') for w in sys.argv[1:]]:
        found, _ = check([p for p in tree if any(p == w or p.startswith(w + '/') for w in wanted)], vocabulary)
        every = sorted(f'{what} [{kind}]' for (_, kind), list_ in found.items() for what in list_)
        print('\n'.join(every) or 'nothing found')
        sys.exit(bool(every))
    found, n = check(tree, vocabulary, seeds() if os.environ.get('BREAK') else ())
    ceilings = read_ceilings()
    if os.environ.get('UPDATE'):
        ceilings = {key: min(ceilings[key], len(found[key])) for key in list(ceilings)}
        write_ceilings(collections.Counter(ceilings))
    bad = [key for key in sorted(found) if len(found[key]) > ceilings.get(key, 0)]
    for key in bad:
        print('\n'.join(found[key][:40]))
        print(f'{key[0]}: {key[1]}: {len(found[key])} findings, the ceiling is {ceilings.get(key, 0)}: tests/lint/english.py {key[0]} prints all')
    left = collections.Counter({kind: sum(len(v) for (_, k), v in found.items() if k == kind) for kind in CLASSES})
    print(f'{n} texts: ' + ', '.join(f'{left[kind]} {kind}' for kind in CLASSES) + ' are left')
    if any(n > len(found.get(key, ())) for key, n in ceilings.items()):
        print('some ceilings can be lowered: UPDATE=1 tests/lint/english.py')
    sys.exit(bool(bad))


main()
