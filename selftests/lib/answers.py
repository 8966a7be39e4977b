#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""answers DEVICE PORT: answers each initiation of initiations.py that comes to this port as a WireGuard would, by a response, until it is
ended. The sender of an initiation is whoever its addresses and ports say."""
import os
import socket
import sys

from frame_out import udp_frame

RESPONSE = b'\2\0\0\0'
INDEX = b'\xfe\xfe\xfe\xfe'          # the sender's index in every initiation

device, port = sys.argv[1:3]
comes = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3))        # ETH_P_ALL
comes.bind((device, 3))
print('answers', flush=True)
while True:
    frame, address = comes.recvfrom(2048)
    if address[2] == socket.PACKET_OUTGOING:
        continue
    if frame[12:14] == b'\x08\0' and frame[23] == 17:
        udp, source, destination = 14 + 4 * (frame[14] & 15), frame[26:30], frame[30:34]
    elif frame[12:14] == b'\x86\xdd' and frame[20] == 17:
        udp, source, destination = 54, frame[22:38], frame[38:54]
    else:
        continue
    sport, dport = (int.from_bytes(frame[udp + at:udp + at + 2], 'big') for at in (0, 2))
    if dport == int(port) and frame[udp + 8:udp + 16] == b'\1\0\0\0' + INDEX:
        comes.send(udp_frame(frame[6:12], frame[:6], destination, source, dport, sport, RESPONSE + os.urandom(4) + INDEX + os.urandom(80)))
