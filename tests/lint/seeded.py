# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks of texts that prove in each run that they can fail. book.py, reader.py and walk.py use this module."""
import os
import re
import sys


def read(path):
    with open(path, encoding='utf-8') as f:
        return f.read()


def check(texts, complaints, must_find, good):
    """Prints what complaints(texts) finds, or `good`, and ends the program. texts: by path. must_find: rows of path, pattern, replacement and
    a part of the complaint that the replaced text must cause. BREAK=1 replaces all of them first, so that the check must fail."""
    if os.environ.get('BREAK'):
        texts = dict(texts)
        for path, pattern, new, _ in must_find:
            texts[path] = re.sub(pattern, new, texts[path], flags=re.M)
    bad = list(complaints(texts))
    for path, pattern, new, what in () if bad else must_find:
        broken, n = re.subn(pattern, new, texts[path], flags=re.M)
        if not n or not any(what in c for c in complaints({**texts, path: broken})):
            bad.append(f'not found in {path}: {what}')
    print('\n'.join(bad) or good)
    sys.exit(bool(bad))
