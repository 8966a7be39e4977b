#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# FrameOut (frame_out.py) loses no frame when a device's queue is full: it sends 200 frames through a queue of two.
# BREAK=1 sends them by a plain socket, for which the kernel returns ENOBUFS.
source "${BASH_SOURCE[0]%/*}/lib.sh"

send_frames() { # prints how many
	inside sender env BREAK="${BREAK:-}" PYTHONPATH=selftests/lib PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 - <<- 'PYTHON'
		import os
		from frame_out import FrameOut
		out = FrameOut("out")
		send = out.socket.send if os.environ["BREAK"] else out.send
		print(sum(send(bytes(12) + b"\x88\xb5" + bytes(1000)) > 0 for _ in range(200)))
	PYTHON
}

namespaces sender receiver
cable sender out receiver in
inside sender tc qdisc add dev out root tbf rate 20mbit burst 2000 limit 3000
sent=$(send_frames) || fail 'a full queue ended the sender'
expect 'frames that were sent' "$sent" == 200
say ok
