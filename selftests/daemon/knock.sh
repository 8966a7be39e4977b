#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 240
# vm
# A knock runs the admin's program, at most once in ten seconds, and no other packet does. Knocks are real traceroutes
# from 1, 5 and 12 hops away, UDP to rising ports and to one port (-U), and `wgxdp knock send`. The program runs as
# the user nobody, without a shell, at most once in ten seconds, and the knock is recorded for a unit. Other packets,
# and knocks for other hosts, do nothing. `wgxdp knock` does the same without a configuration. BREAK=1 makes the last
# router set every packet's TTL to 64.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/warrior.sh"

knocked=/run/wgxdp/default/knocked
runs() { wc -l < "$work/ran"; }
ran() { (($(runs) > ${1:-0})); }
quietly() { "$@" > /dev/null 2>&1 || :; }
again() { # ends the pause between two knocks: a new daemon starts its clock again
	end_daemon
	start_daemon -c "$work/wgxdp.yaml"
}
knocks() { # WHAT COMMAND...: once
	local before
	before=$(runs)
	quietly inside r1 timeout 20 "${@:2}"
	wait_for 5 "$1" ran "$before"
	sleep 0.3
	expect "$1: programs run" $(($(runs) - before)) == 1
	again
}
nothing() { # WHAT COMMAND...
	local before
	before=$(runs)
	quietly inside r1 timeout 20 "${@:2}"
	sleep 1
	expect "$1: programs run" $(($(runs) - before)) == 0
}

chmod 755 "$work"
cat > "$work/knocked" << EOF
#!/bin/sh
echo "\$(id -un) \$(env | grep -vE '^(PWD|SHLVL|_)=' | tr '\n' ' ') \$*" >> $work/ran
EOF
chmod 755 "$work/knocked"
install -m 666 /dev/null "$work/ran"
cat > "$work/wgxdp.yaml" << EOF
interfaces: [ { name: wan, role: wan } ]
learn: [ { interface: wg2, knock: { port: 19000, command: [ $work/knocked, "a b", "\$(id)" ] } } ]
EOF

for hops in 1 5 12; do
	# nat and net are also between r1 and r2
	((hops == 1)) && between=0 || between=$((hops - 3))
	warrior_network "$between"
	if [[ ${BREAK:-} ]]; then
		inside net nft add table ip ttl
		inside net nft add chain ip ttl forward '{ type filter hook forward priority 0; }'
		inside net nft add rule ip ttl forward ip daddr 203.0.113.1 ip ttl set 64
	fi
	start_daemon -c "$work/wgxdp.yaml"
	to=203.0.113.1
	if ((hops == 1)); then # a traceroute from the next router
		addresses r2 wan 203.0.113.77/24
		knocks 'traceroute, 1 hop' nsenter --net=/run/netns/net traceroute -n -w 0.3 -p 19000 $to
		expect 'as, with, of' "$(head -n 1 "$work/ran")" == "nobody PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin  a b \$(id)"
		grep -qx '203.0.113.254 190[0-9]*' "$knocked" || fail "written down: $(< "$knocked")"
		inside r2 ip address del 203.0.113.77/24 dev wan
		nothing 'to another host' nsenter --net=/run/netns/net sh -c "ip neigh replace 203.0.113.77 lladdr $(mac r2 wan) dev home; traceroute -n -w 0.3 -p 19000 203.0.113.77"
		nothing 'to other ports' nsenter --net=/run/netns/net traceroute -n -w 0.3 -m 2 -p 19100 $to
		nothing 'with another TTL' nsenter --net=/run/netns/net traceroute -n -w 0.3 -f 2 -m 2 -p 19000 $to
		addresses net home 2001:db8:9::1/64
		addresses r2 wan 2001:db8:9::2/64
		knocks 'traceroute -6, 1 hop' nsenter --net=/run/netns/net traceroute -6 -n -w 0.3 -p 19000 2001:db8:9::2
		grep -qx '2001:db8:9::1 190[0-9]*' "$knocked" || fail "written down: $(< "$knocked")"
		nothing 'fragments, TCP, what is cut short, with options a TTL of 2' nsenter --net=/run/netns/net /usr/bin/python3 -c '
from scapy.all import *
ip = dict(src="203.0.113.254", dst="203.0.113.1", ttl=1)
udp = UDP(sport=9, dport=19000)
packets = [IP(**ip, flags="MF") / udp / (b"x" * 16), IP(**ip, frag=2) / udp / b"x", IP(**ip) / TCP(dport=19000), IP(**ip, proto=17) / raw(udp)[:4] / Padding(raw(udp)[4:]),
           IP(**ip, proto=17) / b"", IP(**{**ip, "ttl": 2}, options=[IPOption_Router_Alert()]) / udp, IP(**ip) / ICMP(type=3) / IP(**ip) / udp,
           IP(**{**ip, "dst": "255.255.255.255"}) / udp, IP(**{**ip, "dst": "224.0.0.1"}) / udp]
six = dict(src="2001:db8:9::1", dst="2001:db8:9::2", hlim=1)
packets6 = [IPv6(**six) / IPv6ExtHdrFragment(m=1) / udp / (b"x" * 16), IPv6(**six) / IPv6ExtHdrFragment(offset=2) / udp,
            IPv6(**six, plen=4, nh=17) / raw(udp)[:4] / Padding(raw(udp)[4:]), IPv6(**six, nh=17), IPv6(**{**six, "dst": "ff02::1"}) / udp]
there = getmacbyip("203.0.113.1")
sendp([Ether(dst=there) / p for p in packets + packets6], iface="home", verbose=False)
open(sys.argv[1], "w")' "$work/all-sent"
		[[ -e $work/all-sent ]] || fail 'the packets were not sent'
		knocks 'of no payload, with options, to the last port' nsenter --net=/run/netns/net /usr/bin/python3 -c '
from scapy.all import *
sendp(Ether(dst=getmacbyip("203.0.113.1")) / IP(src="203.0.113.254", dst="203.0.113.1", ttl=1, options=[IPOption_NOP()] * 4) /
      UDP(sport=9, dport=19099), iface="home", verbose=False)'
		nothing 'an echo request' nsenter --net=/run/netns/net traceroute -n -I -w 0.3 -m 2 $to
	else
		knocks "traceroute, $hops hops" traceroute -n -w 0.3 -m 20 -p 19000 $to
		knocks "traceroute -U, $hops hops" traceroute -n -w 0.3 -m 20 -U -p 19000 $to
		knocks "wgxdp knock send, $hops hops" "$wgxdp" knock send $to
		nothing 'a ping' ping -c 1 -W 1 $to
	fi
	if ((hops == 12)); then
		before=$(runs)
		inside r1 "$wgxdp" knock send $to
		wait_for 5 'a first one' ran "$before"
		nothing 'a second one within ten seconds' "$wgxdp" knock send $to
	fi
	end_daemon
	inside r2 "$wgxdp" down
	if ((hops == 5)); then
		start r2 "$wgxdp" knock -i wg2 -p 20000 -c "$work/knocked alone" > "$work/knock" 2>&1
		daemon=$!
		wait_for 10 'wgxdp knock hears' grep -q 'the daemon follows changes' "$work/knock"
		before=$(runs)
		inside r1 "$wgxdp" knock send -p 20000 $to
		wait_for 5 'wgxdp knock runs its program' ran "$before"
		expect 'of' "$(tail -n 1 "$work/ran" | sed 's/.*  //')" == alone
		inside r2 "$wgxdp" knock -k
		wait "$daemon" || fail "wgxdp knock -k: status $?"
		! grep "warning: learn" "$work/knock" || fail 'wgxdp knock -k: a warning at its end'
		say 'ok wgxdp knock, and -k'
	fi
	inside r1 ip link del wg1
	inside r2 ip link del wg2
	for ns in r1 nat net r2 stranger $(seq -f 'hop%g' 1 "$between"); do ip netns del "$ns"; done
	sleep 0.5
done
say 'ok knocks of 1, 5 and 12 hops'
