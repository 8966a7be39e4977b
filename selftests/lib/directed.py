#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""directed PUBLIC-KEY=CAPTURE=ADDRESS...: checks tcpdump's captures at WireGuard servers, each with its key and address.

Prints how many messages came to them, and how many of these were for another server: with a mac1 by another key, or an index that this
server did not assign. Also prints how many handshakes there were and from how many places."""
import collections
import sys

from wgpackets import COOKIE, DATA, INITIATION, LENGTHS, RESPONSE, datagrams, index, mac1_fits, mac1_key

counts = collections.Counter()
for argument in sys.argv[1:]:
    public, capture, address = argument.rsplit('=', 2)
    key, given, places = mac1_key(public), set(), set()
    for source, sport, to, dport, message in datagrams(capture):
        kind = message[0] if message[1:4] == b'\0\0\0' else 0
        if kind not in (INITIATION, RESPONSE, COOKIE, DATA) or len(message) != LENGTHS.get(kind, len(message)):
            sys.exit(f'{capture}: a message of no known kind: {message[:8].hex()}')
        if source == address:
            if kind in (INITIATION, RESPONSE):
                given.add(index(message, 4))
            continue
        counts['came'] += 1
        counts['handshakes'] += kind in (INITIATION, RESPONSE)
        places.add((source, sport))
        if kind in (INITIATION, RESPONSE):
            wrong = not mac1_fits(message, key)
            wrong |= kind == RESPONSE and index(message, 8) not in given
        else:
            wrong = index(message, 4) not in given
        counts['misdirected'] += wrong
    counts['places'] += len(places)
print('came', counts['came'], 'misdirected', counts['misdirected'], 'handshakes', counts['handshakes'], 'places', counts['places'])
