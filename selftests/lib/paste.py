#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# paste FILE [HEADING]: does what a reader of this Markdown file with a root shell does. It takes the fenced blocks in the section below
# HEADING (default: of the whole file), in their order:
#
#   ```sh            is pasted into the shell, all at once, by a terminal; then paste waits for the prompt. Each command must succeed.
#   ```yaml, ```ini  is saved in the shell's directory, to the file that the line before names last: …as `wgxdp.yaml`:
#   ```text          is compared with the output of the last ```sh: these lines, in this order; others may be between them. … matches
#                    anything, and any white space matches any other.
#
# paste adds only a trap that reports failures, and a sudo if this machine has none. BREAK=1 skips the lines that start wgxdp.
import os
import pty
import re
import shutil
import sys
import termios
import threading
import time

FENCE = re.compile(r'^```(\w*)$')
WORKS = re.compile(r'\bwgxdp (up|daemon|endpoint|gen|learn)\b')
PATIENCE = 60 if os.environ.get('BREAK') else 300     # seconds for a block


def fail(text):
    print(f'FAIL: {text}', file=sys.stderr, flush=True)
    sys.exit(1)


def section(lines, heading):
    """The lines below a heading, up to the next one of its level or above"""
    begin = level = None
    inside = False          # inside a block, # begins a comment
    for n, line in enumerate(lines):
        inside ^= line.startswith('```')
        marks = 0 if inside else len(line) - len(line.lstrip('#'))
        if begin is None:
            if marks and line.lstrip('# ') == heading:
                begin, level = n + 1, marks
        elif marks and marks <= level:
            return lines[begin:n]
    return fail(f'no section "{heading}"') if begin is None else lines[begin:]


def blocks(lines):
    """(kind, last line of text before, its lines) of each fenced block"""
    said, kind, body = '', None, []
    for line in lines:
        fence = FENCE.match(line)
        if kind is not None:
            if line == '```':
                yield kind, said, body
                kind = None
            else:
                body.append(line)
        elif fence:
            kind, body = fence[1], []
        elif line.strip():
            said = line


class Shell:
    """An interactive bash at a terminal"""

    def __init__(self):
        self.read, self.marks = '', 0
        pid, self.terminal = pty.fork()
        if not pid:
            os.environ.update(PS1='', PS2='', HISTFILE='', TERM='dumb')
            os.execvp('bash', ['bash', '--norc', '--noprofile', '--noediting', '-i'])
        modes = termios.tcgetattr(self.terminal)
        modes[3] &= ~termios.ECHO
        termios.tcsetattr(self.terminal, termios.TCSANOW, modes)
        threading.Thread(target=self.listen, daemon=True).start()
        self.paste("PS1= PS2=; set -E; trap '[[ $BASHPID != $$ ]] || echo \"@failed@ $BASH_COMMAND\"' ERR")
        if not shutil.which('sudo'):
            self.paste('sudo() { "$@"; }')

    def listen(self):
        try:
            while data := os.read(self.terminal, 65536):
                self.read += data.decode(errors='replace')
        except OSError:
            pass

    def paste(self, text):
        """Returns the output, once the prompt is back."""
        self.marks += 1
        begin, mark = len(self.read), f'@prompt {self.marks}@'
        data = f'{text}\necho "@prompt" "{self.marks}@"\n'.encode()
        while data:
            data = data[os.write(self.terminal, data[:1024]):]
        deadline = time.monotonic() + PATIENCE
        while mark not in self.read[begin:]:
            if time.monotonic() > deadline:
                fail(f'no prompt after:\n{text}\nit printed:\n{self.read[begin:]}')
            time.sleep(0.02)
        return self.read[begin:self.read.index(mark, begin)].replace('\r', '')


def words(line):
    return ' '.join(line.split())


def shown(expected, printed):
    """The first line of those expected that was not printed in its turn, or None"""
    lines = iter([words(line) for line in printed.splitlines()])
    for line in expected:
        pattern = re.compile('.*'.join(map(re.escape, words(line).split('…'))))
        if not any(pattern.fullmatch(other) for other in lines):
            return line
    return None


def save(shell, said, body):
    name = re.findall(r'`([^`]+)`', said)
    if not name:
        fail(f'a file without a name, behind: {said}')
    directory = shell.paste('pwd').strip()
    with open(os.path.join(directory, name[-1]), 'w', encoding='utf-8') as file:
        file.write('\n'.join(body) + '\n')


def main():
    with open(sys.argv[1], encoding='utf-8') as file:
        lines = file.read().splitlines()
    if len(sys.argv) > 2:
        lines = section(lines, sys.argv[2])
    shell, printed, done = Shell(), '', {'sh': 0, 'text': 0}
    for kind, said, body in blocks(lines):
        done[kind] = done.get(kind, 0) + 1
        if kind == 'sh':
            if os.environ.get('BREAK'):
                body = [line for line in body if not WORKS.search(line)]
            printed = shell.paste('\n'.join(body))
            if '@failed@' in printed:
                fail(f'behind "{said}" a command failed:\n{printed}')
        elif kind in ('yaml', 'ini'):
            save(shell, said, body)
        elif kind == 'text':
            missing = shown(body, printed)
            if missing is not None:
                fail(f'the reader is to see\n{missing}\nand sees:\n{printed}')
        else:
            fail(f'a block of the kind "{kind}"')
    if not done['sh']:
        fail('nothing to paste')
    print(f"{done['sh']} blocks pasted, {done['text']} compared with what was printed")


if __name__ == '__main__':
    main()
