#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: only
# timeout: 900
# `wgxdp monitor --pcap` writes the packets that XDP and tc forward, as they leave, and those that they drop, as they
# came. Counts and bytes match tcpdump's captures at the sender and at the receiver. tcpdump and scapy read the file.
# monitor reports handshakes, knocks, and flows that begin and end. Without a monitor, no tracing program is attached.
# BREAK=1 looks at forwarded packets where dropped ones are expected. The build host's kernel does not allow one program
# to trace another.
#
#     client, and .66, who is denied ------ wan firewall lan ------ wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

firewall_network
quiet client wg-end
addresses client uplink 198.51.100.66/24
cat > "$work/wgxdp.yaml" <<- EOF
	services:
	  - name: plain
	    listen: { interface: wan, ports: [ 51820 ] }
	    backend: { ipv4: 192.168.1.10, port: 51820 }
	    deny: [ 198.51.100.66 ]
	  - name: many
	    listen: { interface: wan, ports: [ 51821 ] }
	    backend: { ipv4: 192.168.1.10, port: 51821 }
	    nat: masquerade
EOF
monitor() { start firewall "$wgxdp" monitor "${@:2}" > "$work/$1" 2> "$work/$1.errors"; } # FILE OPTION...
looked_at() { bpftool -j prog show | holds '"name":"tracing_'; }
not_looked_at() { ! looked_at; }
ask() { inside client "$udptool" ask -n "$1" -r 200 -w 1 "$2" "$3" > /dev/null 2>&1 || :; } # NUMBER FROM TO
catch() { # FILE NAMESPACE DEVICE FILTER...: $! is tcpdump
	start "$2" tcpdump --immediate-mode -U -i "$3" -w "$work/$1" "${@:4}" 2> "$work/$1.said"
	wait_for 5 'tcpdump' grep -q listening "$work/$1.said"
}
has_packets() { (($(tcpdump -nr "$1" 2> /dev/null | grep -c UDP) >= $2)); }
looks() { # FILE OPTION...: $pid
	monitor "$@"
	pid=$!
	wait_for 60 'the programs that look' looked_at
}
ends() { # FILE
	stop "$pid"
	[[ ! -s $work/$1.errors ]] || fail "$(< "$work/$1.errors")"
	wait_for 10 'nobody looks' not_looked_at
}
same() { # WHAT WRITTEN SEEN PACKETS
	local n
	n=$(/usr/bin/python3 selftests/lib/monitor-pcap.py "$1" 51820 "$work/$2" "$work/$3") || fail "$n"
	expect "$1, every byte" "$n" == "$4"
}

kind=--dropped
[[ ! ${BREAK:-} ]] || kind=--forwarded
for mode in auto tc; do
	wgxdp up --mode $mode -c "$work/wgxdp.yaml" > "$work/up" 2>&1 || fail "up: $(< "$work/up")"
	ask 5 198.51.100.7:4000 198.51.100.1:51820
	not_looked_at || fail 'a program is attached, but no monitor runs'
	looks said --pcap "$work/forwarded.pcap" --forwarded
	catch arrived.pcap wg-end eth -Q in udp port 51820
	dump=$!
	ask 60 198.51.100.7:4000 198.51.100.1:51820
	ask 5 198.51.100.66:4000 198.51.100.1:51820
	wait_for 5 'the forwarded packets' has_packets "$work/forwarded.pcap" 60
	wait_for 5 'what arrived' has_packets "$work/arrived.pcap" 60
	ends said
	kill $dump
	wait $dump || :
	same "$mode, forwarded, as it arrived" forwarded.pcap arrived.pcap 60

	looks dropped.pcap --pcap - $kind
	catch sent.pcap client uplink -Q out src 198.51.100.66
	dump=$!
	ask 10 198.51.100.7:4000 198.51.100.1:51820
	ask 40 198.51.100.66:4000 198.51.100.1:51820
	wait_for 5 'the sent packets' has_packets "$work/sent.pcap" 40
	wait_for 5 'the dropped packets' has_packets "$work/dropped.pcap" "$([[ ${BREAK:-} ]] && echo 10 || echo 40)"
	ends dropped.pcap
	kill $dump
	wait $dump || :
	same "$mode, dropped, as it was sent" dropped.pcap sent.pcap 40
done

# A packet in the shape of an initiation
looks events --event handshake --event flow --json
ask 3 198.51.100.7:4000 198.51.100.1:51820
inside client python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("198.51.100.7", 4001))
s.sendto(b"\1\0\0\0" + bytes(144), ("198.51.100.1", 51820))'
wait_for 5 'a handshake' grep -q '"event": "handshake"' "$work/events"
grep -q '"what": "initiation", "path": "[a-z]*", "interface": "wan", "source": "198.51.100.7:4001", "destination": "192.168.1.10:51820"' "$work/events" ||
	fail "no such handshake: $(< "$work/events")"
start_listener wg-end echo -e 192.168.1.10:51821
ask 3 198.51.100.7:4002 198.51.100.1:51821
made() { grep -q '"what": "made", "service": "many", "interface": "wan", "source": "198.51.100.7:4002", "destination": "192.168.1.1:4002"\|"what": "made", "service": "many".*"source": "198.51.100.7:4002"' "$work/events"; }
wait_for 5 'a flow' made
wgxdp flow del --all > /dev/null
wait_for 5 'its end' grep -q '"what": "ended", "service": "many"' "$work/events"
ends events
say "ok $(grep -c . "$work/events") events: handshake, flow made and ended"

mkdir "$work/small"
mount -t tmpfs -o size=16k small "$work/small"
looks full --pcap "$work/small/packets" --forwarded
ask 300 198.51.100.7:4000 198.51.100.1:51820
status=0
wait "$pid" || status=$?
expect 'status with a disk that is full' $status == 1
grep -q "cannot write $work/small/packets: No space left on device" "$work/full.errors" || fail "it says $(< "$work/full.errors")"
umount "$work/small"
