#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""delay.py DEVICE SECONDS: makes a TUN device and prints `ready`. Each packet that the kernel routes to it comes back from it so much later."""
import collections
import fcntl
import os
import select
import struct
import subprocess
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 1, 0x1000


def main():
    device, seconds = sys.argv[1], float(sys.argv[2])
    tun = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack('16sH22x', device.encode(), IFF_TUN | IFF_NO_PI))
    subprocess.run(['ip', 'link', 'set', device, 'up'], check=True)
    print('ready', flush=True)
    waiting = collections.deque()
    while True:
        left = waiting[0][0] - time.monotonic() if waiting else None
        if left is not None and left <= 0:
            os.write(tun, waiting.popleft()[1])
        elif select.select([tun], [], [], left)[0]:
            waiting.append((time.monotonic() + seconds, os.read(tun, 65536)))


if __name__ == '__main__':
    main()
