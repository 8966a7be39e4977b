# SPDX-License-Identifier: GPL-2.0-or-later
"""A packet socket that sends whole Ethernet frames, for the selftests' senders."""
import errno
import socket
import time

PAUSE = 0.001  # seconds


class FrameOut:
    def __init__(self, device):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.bind((device, 0))
        self.mac = self.socket.getsockname()[4]

    def send(self, frame):
        """Sends the frame. While the device's queue is full, which the kernel says by ENOBUFS, it waits and tries again."""
        while True:
            try:
                return self.socket.send(frame)
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
            time.sleep(PAUSE)
