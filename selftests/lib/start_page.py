#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# start_page PAGE HOST...: does on these hosts what a page of docs says. start-pages.sh makes the hosts.
#
# The paragraph above a fenced block names its hosts in bold (on the **firewall**). If it names none, the block is for
# the same hosts as the block before.
#
#   ```sh          runs there as root; each command has to succeed
#   ```yaml, ini   is written to the file that the paragraph names last in backquotes; appended, if it says "add to"
#   ```text        is compared with the output of the ```sh above it, as paste.py does it. If it differs, the commands
#                  run again a second later, up to AGAIN times
#
# The reader fills in words in capitals: the value of $FILL_PEER_KEY replaces PEER_KEY. BREAK=1 leaves out the lines
# that start wgxdp.
import os
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from paste import FENCE, shown      # noqa: E402

FIRST = 150      # lines of a page in which its commands stand
AGAIN = 0 if os.environ.get('BREAK') else 20     # attempts of the reader
STARTS = re.compile(r'\bwgxdp (up|endpoint)\b|\bnow wgxdp|restart.* wgxdp')


def fail(text):
    print(f'FAIL: {text}', file=sys.stderr, flush=True)
    sys.exit(1)


def blocks(lines):
    """Returns (kind, the paragraph above, its lines) of each fenced block."""
    paragraph, kind, body, ended = [], None, [], True
    for line in lines:
        fence = FENCE.match(line)
        if kind is not None:
            if line == '```':
                yield kind, ' '.join(paragraph), body
                kind, paragraph = None, []
            else:
                body.append(line)
        elif fence:
            kind, body = fence[1], []
        elif not line.strip():
            ended = True
        else:
            paragraph = [line] if ended else paragraph + [line]
            ended = False


def filled(text):
    for name, value in os.environ.items():
        if name.startswith('FILL_'):
            text = re.sub(rf'\b{name[5:]}\b', value, text)
    return text


def at(host, *command, given=''):
    return subprocess.run([os.environ['AT'], host, *command], check=False, input=given, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)


def write(host, above, text):
    paths = re.findall(r'`([^` ]*[/.][^` ]*)`', above)
    if not paths:
        fail(f'a file without a name, below: {above}')
    into = '>>' if re.search(r'\badd to\b', above, re.I) else '>'
    done = at(host, 'sh', '-ec', f'mkdir -p "$(dirname "$1")"; cat {into} "$1"', 'sh', paths[-1], given=text)
    if done.returncode:
        fail(f'{host}: {paths[-1]}: {done.stdout}')


def run(host, body, expected):
    """Runs the commands, and repeats them while their output differs from the expected one."""
    if os.environ.get('BREAK'):
        body = [line for line in body if not STARTS.search(line)]
    for more in (AGAIN if expected else 0) * [True] + [False]:
        done = at(host, 'bash', '-e', '-o', 'pipefail', '-c', filled('\n'.join(body)))
        missing = shown(expected, done.stdout)
        if not done.returncode and missing is None:
            return
        if more:
            time.sleep(1)
    wrong = f'status {done.returncode}' if done.returncode else f'this line is missing: {missing}'
    fail(f'{host}: {wrong}, in the output of\n' + '\n'.join(body) + f'\nwhich is:\n{done.stdout}')


def main():
    page, hosts = sys.argv[1], sys.argv[2:]
    with open(page, encoding='utf-8') as file:
        lines = file.read().splitlines()
    last = max((n for n, line in enumerate(lines, 1) if FENCE.match(line)), default=0)
    if last > FIRST:
        fail(f'{page} has a command in line {last}: commands stand in the first {FIRST} lines, explanations below them')
    there, done, all_blocks = hosts[:1], {}, list(blocks(lines))
    for (kind, above, body), (after, _, expected) in zip(all_blocks, all_blocks[1:] + [('', '', [])]):
        there = [name for name in re.findall(r'\*\*([^*]+)\*\*', above) if name in hosts] or there
        done[kind] = done.get(kind, 0) + 1
        for host in there if kind == 'sh' else ():
            run(host, body, [filled(line) for line in expected] if after == 'text' else [])
        for host in there if kind in ('yaml', 'ini') else ():
            write(host, above, filled('\n'.join(body)) + '\n')
        if kind not in ('sh', 'yaml', 'ini', 'text'):
            fail(f'a block of the kind "{kind}"')
    print(', '.join(f'{number} {kind}' for kind, number in sorted(done.items())))


main()
