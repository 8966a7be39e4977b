#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A command that cannot write its output fails, and broken streams stop neither the daemon nor a report. Messages for
# a closed stream get into no file. A daemon whose log reader is gone continues, and reports an empty file. An invalid
# packet in a file does not stop the report of the others.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

full() { # COMMAND...
	local status=0
	"$@" > /dev/full 2> "$work/said" || status=$?
	expect "${*:2:2}, to a disk that is full: status" $status == 1
	grep -q 'cannot write the whole output to standard output' "$work/said" || fail "it says $(< "$work/said")"
}

nothing_in_files() { # HOW
	local file
	for file in /run/wgxdp/default/lock /run/wgxdp/default/daemon; do
		[[ ! -e $file ]] || ! grep -qE 'wan|warning|native|the daemon follows' "$file" || fail "$1: in $file stands $(< "$file")"
	done
	say "ok what is said with $1 gets into no file"
}

pcap() { # HEX[:LENGTH]...: a packet each, and its length on the wire if the file has only a part
	/usr/bin/python3 - "$@" << 'EOF_PY'
import struct, sys
sys.stdout.buffer.write(struct.pack('<IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
for argument in sys.argv[1:]:
    part, _, whole = argument.partition(':')
    packet = bytes.fromhex(part)
    sys.stdout.buffer.write(struct.pack('<IIII', 0, 0, len(packet), int(whole or len(packet))) + packet)
EOF_PY
}

firewall_network
cat > "$work/wgxdp.yaml" << EOF_YAML
services:
  - name: wg-end
    listen: { interface: wan, ports: [ $port ] }
    backend: { ipv4: 192.168.1.10, port: $port }
EOF_YAML
wgxdp up -c "$work/wgxdp.yaml" >&- 2>&-
nothing_in_files 'standard output and error closed'
wgxdp up -c "$work/wgxdp.yaml" <&- >&-
nothing_in_files 'standard input and output closed'

full wgxdp show
full wgxdp show -j
full wgxdp show metrics
full wgxdp show flows -j
full wgxdp check -c "$work/wgxdp.yaml"
full wgxdp doctor
full wgxdp top -j --once
frame=$(mac firewall wan | tr -d :)0200000000010800$(printf %084d 0)
full wgxdp trace --in wan --from 198.51.100.7:4000 --to 198.51.100.1:51820

pcap "$frame" 0102030405 '' "$frame" > "$work/runts.pcap"
wgxdp trace --in wan -j "$work/runts.pcap" > "$work/traced" 2> "$work/said" || fail "trace: $(< "$work/said")"
expect 'packets told of a file with two that are none' "$(/usr/bin/python3 -ISc 'import json, sys; print(len(json.load(sys.stdin)["packets"]))' < "$work/traced")" == 2
grep -q 'packet 2 is left out: its 5 bytes are too short' "$work/said" || fail "trace says $(< "$work/said")"
grep -q 'packet 3 is left out: its 0 bytes' "$work/said" || fail "trace says $(< "$work/said")"

pcap "$frame" "$frame:142" "$frame" > "$work/parts.pcap"
wgxdp trace --in wan -j "$work/parts.pcap" > "$work/traced" 2> "$work/said" || fail "trace: $(< "$work/said")"
expect 'packets told of a file with a part of one' "$(/usr/bin/python3 -ISc 'import json, sys; print(len(json.load(sys.stdin)["packets"]))' < "$work/traced")" == 2
grep -q 'packet 2 is left out: the file has only 56 of its 142 bytes' "$work/said" || fail "trace says $(< "$work/said")"

pcap "$frame" "$(printf %020000d 0)" "$frame" "$frame" | head -c -10 > "$work/cut.pcap"
status=0
wgxdp trace --in wan -j "$work/cut.pcap" > "$work/traced" 2> "$work/said" || status=$?
expect 'trace of a file that is cut off: status' $status == 1
expect 'packets told of it' "$(/usr/bin/python3 -ISc 'import json, sys; print(len(json.load(sys.stdin)["packets"]))' < "$work/traced")" == 2
grep -q 'packet 2 is left out: its 10000 bytes are more than 9216' "$work/said" || fail "trace says $(< "$work/said")"

status=0
timeout 5 nsenter --net=/run/netns/firewall "$wgxdp" monitor --reason nosuch > "$work/said" 2>&1 || status=$?
expect 'monitor of a reason that is none: status' $status == 2
status=0
wgxdp --instance other show > "$work/said" 2>&1 || status=$?
grep -q 'instance other is not up: start it with .wgxdp --instance other up.' "$work/said" || fail "show says $(< "$work/said")"

start_daemon -c "$work/wgxdp.yaml"
kill -PIPE "$daemon"
: > "$work/wgxdp.yaml"
kill -HUP "$daemon"
wait_for 5 'an empty file is refused' grep -q 'wgxdp.yaml:1:1: error: the file is empty' "$work/daemon"
echo '{}' > "$work/wgxdp.yaml"
kill -HUP "$daemon"
wait_for 5 'a warning that nothing is configured' grep -q 'warning: no service and no peer is configured, so nothing will be forwarded: add one' "$work/daemon"
end_daemon
wgxdp down
say ok
