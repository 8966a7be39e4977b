#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `scripts/bench --devices` finds the highest rate without loss, and names what limits it. Frames have right
# checksums, also those of the sink's answers. selftests/firewall/bench-devices.sh sends packets.
set -euo pipefail
cd "$(dirname "$0")/../.."

/usr/bin/python3 - << 'EOF'
import struct
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, "tests/bench")
import devices
import sender

def found(forwards, sends, first=20000):
    tried = []
    def one(rate):
        tried.append(rate)
        left = min(rate, sends)
        arrives = min(left, forwards)
        return {"rate": rate, "sent": left, "received": arrives, "lost": left - arrives, "pps": arrives}
    best, limit = devices.search(one, first)
    assert len(tried) <= 30, tried
    return best and best["pps"], limit

rate, limit = found(1000000, 1e9)
assert 0.95e6 <= rate <= 1e6 and limit == "forwarder", (rate, limit)
assert found(1e9, 300000) == (300000, "sender")
rate, limit = found(5000, 1e9)              # the first rate is too high
assert 4700 <= rate <= 5000 and limit == "forwarder", (rate, limit)
assert found(0, 1e9)[0] is None
losses = iter([True, False] * 100)          # another program disturbs every second trial
best, limit = devices.search(lambda rate: {"rate": rate, "sent": min(rate, 3e5), "lost": 9000 * next(losses), "received": 1,
                                           "pps": min(rate, 3e5)}, 20000)
assert (best["pps"], limit) == (3e5, "sender"), (best, limit)
assert found(500, 1e9)[0] is None           # less than the least rate

def is_right(frame, family):
    ip, udp = (14, 34) if family == 4 else (14, 54)
    at, n = (26, 4) if family == 4 else (22, 16)
    payload = frame[udp:]
    pseudo = frame[at:at + 2 * n] + struct.pack("!HH", 17, len(payload))
    return sender.checksum(pseudo + payload) == 0 and (family == 6 or sender.checksum(frame[ip:udp]) == 0)

for family in 4, 6:
    stream = {"family": family, "src": devices.CLIENT[family], "dst": devices.AT_A[family], "sport": 40000, "dport": 51820,
              "size": 144, "dmac": "02:00:00:00:00:01", "smac": "02:00:00:00:00:02"}
    frame = sender.frame(stream, 63)
    back = sender.answer_to(frame, family)
    assert is_right(frame, family) and is_right(back, family) and sender.answer_to(back, family) == frame
    assert back == sender.frame(dict(stream, src=stream["dst"], dst=stream["src"], sport=51820, dport=40063,
                                     dmac=stream["smac"], smac=stream["dmac"]))
EOF

listed=$(scripts/bench --devices a,b --list)
for row in 'bare redirect, ipv4' 'wgxdp none, ipv6' 'wgxdp masquerade, ipv4' 'nft dnat, ipv6'; do
	grep -qx "$row" <<< "$listed" || { echo "--list: no row '$row'"; exit 1; }
done
echo 'bench --devices searches the highest rate without loss'
