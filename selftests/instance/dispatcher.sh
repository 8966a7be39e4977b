#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: only
# tier: long
# Through libxdp's dispatcher, wgxdp forwards before and after other programs, and upgrades lose no packet. Packets
# are forwarded in every order. Twenty upgrades under traffic in both directions lose none, and `down` removes only
# our program. A program without a dispatcher is refused by name. A component with all features loads too, and joins
# sites. BREAK=1 takes wgxdp down before each upgrade.
#
#     client uplink ---- wan firewall lan ---- eth wg-end       300 packets/s each way
#                         before, ours, after on wan; ours alone on lan
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

n=60000 # packets each way; more if the upgrades take longer
rate=300
times=20
file=$work/wgxdp.yaml
cat > "$file" << EOF
interfaces:
  - { name: wan, role: wan, shared: true }
  - { name: lan, role: lan, shared: true }
services:
  - name: wg-end
    listen: { interface: wan, ports: [ $port ] }
    backend: { ipv4: 192.168.1.10, port: $port }
EOF

# Another build of the same data path: its object differs in debug information
sed 's,bpf/wgxdp\.bpf\.c,bpf/wgxdq.bpf.c,g' "$wgxdp" > "$work/other"
chmod +x "$work/other"
builds=("$wgxdp" "$work/other")

loader() { inside firewall xdp-loader "$@"; }
components() { loader status "$1" | awk '$1 == "=>" {print $3}' | xargs; } # DEVICE: prints their names in order
component() { loader status "$1" | awk -v name="$2" '$1 == "=>" && $3 == name {print $4}'; } # DEVICE NAME: its id
load() { loader load -m native -P "$2" -n "$1" wan "$build/selftests/beside.bpf.o"; } # NAME PRIORITY
seen() { # NAME: prints how many packets this other program has seen
	local map
	map=$(bpftool -j prog show id "$(component wan "$1")" | grep -oE '"map_ids":\[[0-9]+' | grep -oE '[0-9]+$')
	bpftool map dump id "$map" | grep -oE '"value": [0-9]+' | grep -oE '[0-9]+'
}
no_program_of_ours() { ! bpftool prog show | holds 'name wgxdp_'; }

forwarded() { # WHAT: forwards 20 packets each way
	local there back
	there=$(arrived wg-end there) back=$(arrived client back)
	inside client "$udptool" send -n 20 -r 1000 uplink "$(mac firewall wan)" 198.51.100.7:4000 198.51.100.1:"$port" > /dev/null
	inside wg-end "$udptool" send -n 20 -r 1000 eth "$(mac firewall lan)" 192.168.1.10:"$port" 198.51.100.7:4000 > /dev/null
	wait_for 5 "$1: all there" all_there "$there" "$back" 20
	expect "$1: forwarded" "$(($(arrived wg-end there) - there)) $(($(arrived client back) - back))" == '20 20'
}

all_there() { # WERE-THERE WERE-BACK MORE [MORE-BACK]
	(($(arrived wg-end there) - $1 >= $3 && $(arrived client back) - $2 >= ${4:-$3}))
}

firewall_network
quiet wg-end client
count_arrivals wg-end there "udp dport $port"
count_arrivals client back "udp sport $port"
for host in 198.51.100.7 192.168.1.10; do inside firewall ping -qc 1 $host > /dev/null; done # resolves the neighbours

inside firewall ip link set wan xdpdrv obj "$build/selftests/beside.bpf.o" program before
! wgxdp up -c "$file" 2> "$work/err" || fail 'up where an XDP program is without a dispatcher'
grep -q 'wan: another XDP program, before .*dispatcher.*--mode tc' "$work/err" || fail "$(< "$work/err")"
say "ok $(< "$work/err")"
inside firewall ip link set wan xdpdrv off
wait_for 5 'the refused up has left nothing' no_program_of_ours

load before 10
! wgxdp up --wan wan --to 192.168.1.10 2> "$work/err" || fail 'up without "shared: true" beside a dispatcher'
grep -q 'dispatcher xdp_dispatcher .*shared: true' "$work/err" || fail "$(< "$work/err")"
say "ok $(< "$work/err")"
wgxdp up -c "$file"
expect 'after another' "$(components wan), $(components lan)" == 'before wgxdp_xdp, wgxdp_xdp'
forwarded 'after another'
expect 'the one before saw them' "$(seen before)" '>=' 20
load after 90
expect 'between two' "$(components wan)" == 'before wgxdp_xdp after'
forwarded 'between two'
passed=$(seen after)
inside client ping -qc 3 -i 0.2 198.51.100.1 > /dev/null
expect 'foreign packets continue to the next program' $(($(seen after) - passed)) '>=' 3
loader unload wan -i "$(component wan before)"
expect 'before another' "$(components wan)" == 'wgxdp_xdp after'
forwarded 'before another'
load before 10
expect 'shown' "$(shown get interfaces.wan.mode interfaces.wan.shared interfaces.lan.shared)" == 'native yes yes'
xdp=$(shown all original forwarded_xdp)
expect 'most by XDP' $((xdp + $(shown all reply forwarded_xdp))) '>=' 100 # out of 120: tc resolves some neighbours

ours=$(component wan wgxdp_xdp)
wgxdp up -c "$file" > /dev/null
wgxdp save | wgxdp up -c - > /dev/null
expect 'up again: the same component' "$(component wan wgxdp_xdp)" == "$ours"
! wgxdp --instance second up -c "$file" 2> "$work/err" || fail 'a second instance'
grep -q 'instance default is attached' "$work/err" || fail "$(< "$work/err")"
say "ok $(< "$work/err")"
expect 'and nothing is changed' "$(components wan)" == 'before wgxdp_xdp after'

counted=$(($(shown all original forwarded) + $(shown all reply forwarded)))
there=$(arrived wg-end there) back=$(arrived client back)
start client "$udptool" send -n 1000000 -r $rate -c 50 uplink "$(mac firewall wan)" 198.51.100.7:4000 198.51.100.1:"$port" > "$work/there"
to=$!
start wg-end "$udptool" send -n 1000000 -r $rate eth "$(mac firewall lan)" 192.168.1.10:"$port" 198.51.100.7:4000 > "$work/back"
from=$!
upgraded=0
for ((i = 1; i <= times; i++)); do
	[[ ! ${BREAK:-} ]] || wgxdp down
	inside firewall "${builds[i % 2]}" up -c "$file" > /dev/null
	now=$(component wan wgxdp_xdp) # a single program, otherwise this is no number
	[[ ! $now =~ ^[0-9]+$ || $now == "$ours" ]] || upgraded=$((upgraded + 1))
	ours=$now
done
say "$times upgrades done"
wait_for 600 "$n packets each way" all_there "$there" "$back" $n
stop $to
stop $from
sent=$(said there sent) answered=$(said back sent)
expect 'upgrades that were one' $upgraded == $times
expect 'components' "$(components wan), $(components lan)" == 'before wgxdp_xdp after, wgxdp_xdp'
wait_for 5 'all there' all_there "$there" "$back" "$sent" "$answered"
expect 'to wg-end' $(($(arrived wg-end there) - there)) == "$sent"
expect 'to the client' $(($(arrived client back) - back)) == "$answered"
expect 'counted' $(($(shown all original forwarded) + $(shown all reply forwarded) - counted)) == $((sent + answered))
expect_sums

wgxdp down
expect 'down: the others stay' "$(components wan), $(components lan)" == 'before after, '
wait_for 5 'down: nothing of ours' no_program_of_ours
wgxdp up -c "$file" > /dev/null
inside firewall ip link del lan
wgxdp down
expect 'down after a device went: the others stay' "$(components wan)" == 'before after'
wait_for 5 'down after a device went: nothing of ours' no_program_of_ours

longer() { # N: sends UDP packets from site-a to site-b, in frames with padding behind the packet
	inside client env PYTHONPATH=selftests/lib PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 - "$(mac firewall wan)" "$1" <<- 'EOF'
		import socket, sys
		from blind_attack import ipv6, udp
		from frame_out import FrameOut
		a, b = (socket.inet_pton(socket.AF_INET6, f"fd12:3456:789a:{site}::10") for site in "ab")
		out = FrameOut("uplink")
		frame = bytes.fromhex(sys.argv[1].replace(":", "")) + out.mac + b"\x86\xdd"
		for _ in range(int(sys.argv[2])):
		    out.send(frame + ipv6(a, b, udp(a, 4000, b, 58001, b"payload")) + b"bytes behind")
	EOF
}
longer_came() { (($(arrived wg-end longer) == $1)); } # N

# docs/examples/config/everything.yaml, on shared interfaces, with a site behind each
cable firewall lan wg-end lan
takes_xdp wg-end lan
sed -e 's/mode: auto, transmit: auto, shared: false/shared: true/; s/name: lan, role: lan }/name: lan, role: lan, shared: true }/; /wan[.]7\|br-lan/d' \
	-e '/^peers:/a\  - { name: site-a, device: wan, prefixes: [ "fd12:3456:789a:a::/64" ] }' docs/examples/config/everything.yaml > "$work/everything.yaml"
addresses client uplink fd12:3456:789a:a::10/64
addresses firewall wan fd12:3456:789a:a::1/64
addresses firewall lan fd12:3456:789a:b::1/64
addresses wg-end lan fd12:3456:789a:b::10/64
inside client ip route add fd12:3456:789a::/48 via fd12:3456:789a:a::1
inside wg-end ip route add fd12:3456:789a::/48 via fd12:3456:789a:b::1
wgxdp up -c "$work/everything.yaml" > "$work/up" 2>&1 || fail "everything: $(< "$work/up")"
expect 'everything: components' "$(components wan), $(components lan)" == 'before wgxdp_xdp after, wgxdp_xdp'
expect 'between sites: pings without an answer' "$(unanswered client fd12:3456:789a:b::10 -c 20 -i 0.1 -W 5)" == 0
expect 'between sites: by XDP' "$(shown get peers.site-a.rx.forwarded_xdp)" '>=' 10
count_arrivals wg-end longer 'udp dport 58001 meta length 55' # 55 bytes of IPv6, UDP and payload
longer 10
wait_for 5 'packets with padding arrive without it' longer_came 10
expect_sums
wgxdp down
say "0 lost of $((sent + answered)) during $times upgrades in the dispatcher"
