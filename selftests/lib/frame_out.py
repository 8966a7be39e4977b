# SPDX-License-Identifier: GPL-2.0-or-later
"""Ethernet frames and a packet socket that sends them, for the selftests' senders."""
import errno
import socket
import struct
import time

PAUSE = 0.001  # seconds


def ones(data):
    s = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return s


def udp_frame(to_mac, from_mac, source, destination, sport, dport, payload):
    """Returns an Ethernet frame with a datagram. All addresses are bytes. The payload's length is even."""
    udp = struct.pack('!HHHH', sport, dport, 8 + len(payload), 0) + payload
    check = ~ones(source + destination + struct.pack('!II', len(udp), 17) + udp) & 0xffff or 0xffff
    udp = udp[:6] + check.to_bytes(2, 'big') + udp[8:]
    ether = to_mac + from_mac
    if len(destination) == 16:
        return ether + b'\x86\xdd' + struct.pack('!IHBB', 6 << 28, len(udp), 17, 64) + source + destination + udp
    head = struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(udp), 0, 0x4000, 64, 17, 0) + source + destination
    return ether + b'\x08\0' + head[:10] + (~ones(head) & 0xffff).to_bytes(2, 'big') + head[12:] + udp


class FrameOut:
    def __init__(self, device):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.bind((device, 0))
        self.mac = self.socket.getsockname()[4]

    def send(self, frame):
        """Sends the frame. While the device's queue is full (ENOBUFS), it waits and tries again."""
        while True:
            try:
                return self.socket.send(frame)
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
            time.sleep(PAUSE)
