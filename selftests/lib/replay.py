#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""replay CAPTURE DESTINATION PORT FROM TIMES elsewhere|same: sends the captured initiations for DESTINATION again, TIMES times in all.

elsewhere: each from another address, from FROM on, and another port. same: from FROM and the original port, slowly. Prints how many."""
import ipaddress
import socket
import sys
import time

import wgpackets

capture, destination, port, first, times, where = sys.argv[1:7]
messages = [(sport, m) for _, sport, to, dport, m in wgpackets.datagrams(capture)
            if to == destination and dport == int(port) and m[:4] == b'\1\0\0\0' and len(m) == 148]
if not messages:
    sys.exit('no initiation was captured')
for i in range(int(times)):
    sport, message = messages[i % len(messages)]
    if where == 'elsewhere':
        source = (str(ipaddress.ip_address(first) + i // 2), 1024 + 31 * i)
        if i % 2:
            source = ('198.51.100.7', 20000 + i)  # the client's own address, and another port
    else:
        source = (first, sport)
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    udp = source[1].to_bytes(2, 'big') + int(port).to_bytes(2, 'big') + (8 + len(message)).to_bytes(2, 'big') + b'\0\0'
    head = bytes([0x45, 0]) + (28 + len(message)).to_bytes(2, 'big') + b'\0\0\x40\0\x40\x11\0\0'
    s.sendto(head + socket.inet_aton(source[0]) + socket.inet_aton(destination) + udp + message, (destination, 0))
    s.close()
    time.sleep(0.001)
print('initiations', len(messages), 'sent', int(times))
