#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# Datagrams of 4,000 bytes, in three fragments each, come back byte for byte, also during a flood of spoofed
# fragments. They go through the service: IPv4 and IPv6, in native mode (fragmentation.sh has the others). Fragments in the wrong order harm no
# other datagram. At least 95 % still pass while spoofed first fragments, with random sources and ids, come as fast as
# the sender can make them. They also pass while a flood comes in the client's own name, with all ids and from another
# port. BREAK=1 makes a table of one entry.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
#                   2001:db8:1::/64                              2001:db8:2::/64
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

number=100

if [[ ${BREAK:-} ]]; then
	make -s O="$work/build" BPF_CFLAGS='-O2 -g -DFRAGMENTS=1' "$work/build/wgxdp"
	wgxdp=$work/build/wgxdp
fi

ask() { # NAME FROM TO
	inside client "$udptool" ask -n $number -r 100 -s 4000 "$2" "$3" > "$work/$1"
}

# Sends both families at once: sets answered4 and answered6
ask_both() {
	ask ipv4 198.51.100.7:4000 198.51.100.1:$port &
	ask ipv6 "[2001:db8:1::7]:4000" "[2001:db8:1::1]:$port"
	wait $!
	answered4=$(said ipv4 answered) answered6=$(said ipv6 answered)
}

# Sends later fragments before their first ones
reorder() {
	inside client /usr/bin/python3 - "$(mac firewall wan)" <<- 'PYTHON'
		import sys
		import socket
		from scapy.layers.inet6 import Ether, IP, IPv6, IPv6ExtHdrFragment, Raw, UDP, fragment6
		from scapy.layers.inet import fragment
		sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
		sock.bind(("uplink", 0))
		for n in range(50):
		    body = UDP(sport=5000, dport=51820) / Raw(bytes(2000))
		    pairs = [fragment(IP(src="198.51.100.7", dst="198.51.100.1", id=40000 + n) / body, 1480),
		             fragment6(IPv6(src="2001:db8:1::7", dst="2001:db8:1::1") / IPv6ExtHdrFragment(id=40000 + n) / body, 1400)]
		    for pair in pairs:
		        for part in reversed(pair):
		            sock.send(bytes(Ether(src=bytes(6), dst=sys.argv[1], type=0x800 if IP in part else 0x86dd) / part))
	PYTHON
}

flood() { # FROM TO [OPTION]: runs until it is stopped; $! is its process
	start client "$udptool" send -n 100000000 "${3:--f}" uplink "$(mac firewall wan)" "$1" "$2" > /dev/null
}

# Prints how many datagrams the client could not send completely, because the flood filled its cable
unsent() { inside client cat /proc/net/snmp /proc/net/snmp6 | awk '
	$1 == "Ip6FragFails" {n += $2}
	$1 == "Ip:" && !column {for (i = 1; i <= NF; i++) if ($i == "FragFails") column = i; next}
	$1 == "Ip:" {n += $column}
	END {print n}'; }

firewall_network
cat > "$work/wgxdp.yaml" << YAML
services:
  - name: wg-end
    listen: { interface: wan, ports: [ $port ] }
    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: $port }
    ipv6: dnat
YAML
# wg-end's kernel must not keep the flood's fragments, or those in the wrong order. Half a minute later it would send
# ICMP errors about missing fragments, and these belong to the service too.
inside wg-end nft -f - << NFT
table inet spoofed {
	counter arrived {}
	chain arrivals {
		type filter hook prerouting priority -500; policy accept;
		ip saddr 10.0.0.0/8 counter name arrived drop
		ip6 saddr 2001:db8:77::/64 counter name arrived drop
		udp sport { 4001, 5000 } drop
	}
}
NFT
start_listener wg-end wg-end4 -e 192.168.1.10:$port
start_listener wg-end wg-end6 -e "[2001:db8:2::10]:$port"

wgxdp up -c "$work/wgxdp.yaml" --mode native
ask_both
expect 'answered, IPv4' "$answered4" == $number
expect 'answered, IPv6' "$answered6" == $number
expect 'fragments forwarded' "$(shown all original forwarded)" == $((6 * number))
expect 'fragments of replies forwarded' "$(shown all reply forwarded)" == $((6 * number))
reorder
expect 'forwarded pairs in the wrong order' $(($(shown all original forwarded) - 6 * number)) == 100

began=$(shown all original forwarded) at=$(elapsed)
flood 10.0.0.0:4000 198.51.100.1:$port
flood4=$!
flood "[2001:db8:77::]:4000" "[2001:db8:1::1]:$port"
flood6=$!
wait_for 20 'the flood begins' eval "((\$(shown all original forwarded) > $began + 5000))"
failed=$(unsent)
ask_both
sent=$((2 * number - $(unsent) + failed))
rate=$(awk -v n="$(($(shown all original forwarded) - began))" -v s="$(elapsed)" -v at="$at" 'BEGIN {print int(n / (s - at))}')
stop $flood4
stop $flood6
flood 198.51.100.7:4001 198.51.100.1:$port -F
forger=$!
began=$(shown all original forwarded) at=$(elapsed)
wait_for 20 'the forger begins' eval "((\$(shown all original forwarded) > $began + 100000))"
failed=$(unsent)
ask forged 198.51.100.7:4000 198.51.100.1:$port
asked=$((number - $(unsent) + failed))
forged=$(awk -v n="$(($(shown all original forwarded) - began))" -v s="$(elapsed)" -v at="$at" 'BEGIN {print int(n / (s - at))}')
stop $forger
expect "percent of $asked datagrams answered, while first ones in the client's name come with all ids, $forged a second" \
	"$(awk "BEGIN {print 100 * $(said forged answered) / $asked}")" '>=' 95
answered=$((answered4 + answered6))
expect "in a flood of $rate a second, of $sent datagrams answered, %" "$(awk "BEGIN {print 100 * $answered / $sent}")" '>=' 95
expect_sums
