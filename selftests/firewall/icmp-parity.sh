#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# timeout: 300
# Through a service, traceroute, path MTU discovery and closed ports get the same errors as through nft's DNAT, byte
# for byte. The probes are the same, from the client and from wg-end. BREAK=1 changes one hop's MTU in between.
#
#     client ------- near -------- firewall -------- far ------- wg-end
#          .7  192.0.2.  .1  .2 198.51.100. .1  .1 192.168.1. .2  .1 192.168.7.  .10
#     MTU    <- 1400        <- 1480           1450 ->       1380 ->
#     2001:db8:c::/48   2001:db8:1::/64   2001:db8:2::/64   2001:db8:7::/64
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

inner=51821 # wg-end's port
sizes=(60 700 1380 1381 1400 1401 1430 1450 1451 1480)
clients4=() clients6=()
for n in {7..16}; do clients4+=("192.0.2.$n") clients6+=("2001:db8:c:$n::7"); done

network() {
	local ns
	namespaces client near firewall far wg-end
	routers near firewall far
	cable client uplink near hind
	cable near fore firewall wan
	cable firewall lan far west
	cable far east wg-end eth
	takes_xdp near fore
	takes_xdp far west
	addresses client uplink "${clients4[@]/%//24}" 2001:db8:c::7/64 "${clients6[@]/%//128}"
	addresses near hind 192.0.2.1/24 2001:db8:c::1/64
	addresses near fore 198.51.100.2/24 2001:db8:1::2/64
	addresses firewall wan 198.51.100.1/24 2001:db8:1::1/64
	addresses firewall lan 192.168.1.1/24 2001:db8:2::1/64
	addresses far west 192.168.1.2/24 2001:db8:2::2/64
	addresses far east 192.168.7.1/24 2001:db8:7::1/64
	addresses wg-end eth 192.168.7.10/24 2001:db8:7::10/64
	gateways client 192.0.2.1 2001:db8:c::1
	gateways near 198.51.100.1 2001:db8:1::1
	gateways far 192.168.1.1 2001:db8:2::1
	gateways wg-end 192.168.7.1 2001:db8:7::1
	narrow near 1400 192.0.2.0/28 dev hind
	narrow near 1400 2001:db8:c::/48 via 2001:db8:c::7
	narrow firewall 1480 default via 198.51.100.2
	narrow firewall 1480 default via 2001:db8:1::2
	narrow firewall 1450 192.168.7.0/24 via 192.168.1.2
	narrow firewall 1450 2001:db8:7::/64 via 2001:db8:2::2
	narrow far 1380 192.168.7.8/29 dev east
	narrow far 1380 2001:db8:7::/80 dev east
	for ns in client near firewall far wg-end; do
		inside $ns sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
	done
}

narrow() { # NAMESPACE MTU ROUTE...: narrows the router's egress only, so that longer packets still reach it
	inside "$1" ip route replace "${@:3}" mtu lock "$2"
}

resolve() { # neighbours, so that no probe waits for them
	local address
	for address in 192.168.7.1 192.168.1.1 198.51.100.2 192.0.2.1; do
		inside wg-end ping -c 1 -W 2 -q $address > /dev/null || fail "no ping to $address"
	done
	for address in 2001:db8:7::1 2001:db8:2::1 2001:db8:1::2 2001:db8:c::7; do
		inside wg-end ping -c 1 -W 2 -q $address > /dev/null || fail "no ping to $address"
	done
	for address in "${clients4[@]}" "${clients6[@]}"; do
		inside near ping -c 1 -W 2 -q "$address" > /dev/null || fail "no ping to $address"
	done
}

forget() { # clears path MTUs that the ends learned from earlier probes
	local ns
	for ns in client near firewall far wg-end; do
		inside $ns ip route flush cache
		inside $ns ip -6 route flush cache
	done
}

probes() { # FILE: writes the ICMP errors to the client, then those to wg-end
	local from4=("${clients4[@]/%//4000}") from6=("${clients6[@]/%//4000}") down up client
	down=$(mac near hind) up=$(mac far east)
	forget
	{
		inside client selftests/lib/probe.py uplink "$down" "${from4[@]}" 198.51.100.1/$port "${sizes[@]}"
		inside client selftests/lib/probe.py uplink "$down" "${from6[@]}" 2001:db8:1::1/$port "${sizes[@]}"
		for client in 192.0.2.7/4000 192.0.2.8/4000; do
			inside wg-end selftests/lib/probe.py eth "$up" 192.168.7.10/$inner $client "${sizes[@]}"
		done
		for client in 2001:db8:c:7::7/4000 2001:db8:c:8::7/4000; do
			inside wg-end selftests/lib/probe.py eth "$up" 2001:db8:7::10/$inner $client "${sizes[@]}"
		done
	} > "$1"
}

# WHAT: connected sockets of the client, of both families, get the errors about their packets, also with checksums that a
# device should complete
sockets() {
	local tx
	for tx in off on; do
		inside client ethtool -K uplink tx $tx > /dev/null
		inside near ethtool -K fore tx $tx > /dev/null
		inside client /usr/bin/python3 -IS - $port > "$work/told" <<- 'PYTHON'
			import errno, socket, sys
			for what, ttl, size in (("port closed", 64, 9), ("TTL used up", 2, 9), ("TTL used up behind", 3, 9),
			                        ("too long", 64, 1425), ("too long behind", 64, 1360)):
			    for address in "198.51.100.1", "2001:db8:1::1":
			        six = ":" in address
			        s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
			        s.settimeout(5)
			        for option in ((25, 1), (23, 3), (16, ttl)) if six else ((11, 1), (10, 3), (2, ttl)):
			            s.setsockopt(socket.IPPROTO_IPV6 if six else socket.IPPROTO_IP, *option)  # RECVERR, MTU_DISCOVER=PROBE, TTL
			        s.connect((address, int(sys.argv[1])))
			        s.send(b"x" * size)
			        try:
			            s.recv(9)
			        except OSError as e:
			            print(f"{what}:", errno.errorcode.get(e.errno, e))
		PYTHON
		diff "$work/told" - <<- EOF || fail "$1, tx $tx: sockets are told something else"
			port closed: ECONNREFUSED
			port closed: ECONNREFUSED
			TTL used up: EHOSTUNREACH
			TTL used up: EHOSTUNREACH
			TTL used up behind: EHOSTUNREACH
			TTL used up behind: EHOSTUNREACH
			too long: EMSGSIZE
			too long: EMSGSIZE
			too long behind: EMSGSIZE
			too long behind: EMSGSIZE
		EOF
		say "ok $1, tx $tx: what sockets are told"
	done
}

hops() { # FILE: the output of traceroute without times
	local to option
	for to in 198.51.100.1 2001:db8:1::1; do
		for option in "-U -p $port" -I; do
			# shellcheck disable=SC2086 # words
			inside client traceroute -n -q 1 -N 1 -w 2 -m 6 $option $to | awk '{print $1, $2, $3, $4, $5, $NF ~ /^!/ ? $NF : ""}' |
				sed -E 's/ [0-9.]+ ms//'
		done
	done > "$1"
}

dnat_by_nft() {
	inside firewall nft -f - <<- EOF
		table inet reference {
			chain arrivals {
				type nat hook prerouting priority dstnat; policy accept;
				iifname wan ip daddr 198.51.100.1 udp dport $port dnat ip to 192.168.7.10:$inner
				iifname wan ip6 daddr 2001:db8:1::1 udp dport $port dnat ip6 to [2001:db8:7::10]:$inner
			}
		}
	EOF
}

network
resolve
dnat_by_nft
probes "$work/nft"
sockets nft
hops "$work/nft.hops"
inside firewall nft delete table inet reference
expect 'probes through nft' "$(wc -l < "$work/nft")" '>=' 300
expect 'answered probes' "$(grep -vc nothing "$work/nft")" '>=' 250
cat > "$work/wgxdp.yaml" <<- EOF
	services:
	  - name: wg-end
	    listen: { interface: wan, ports: [ $port ] }
	    backend: { ipv4: 192.168.7.10, ipv6: "2001:db8:7::10", port: $inner }
	    ipv6: dnat
EOF
[[ ! ${BREAK:-} ]] || narrow far 1379 192.168.7.8/29 dev east
for mode in native generic tc; do
	wgxdp up -c "$work/wgxdp.yaml" --mode $mode
	probes "$work/$mode"
		diff "$work/nft" "$work/$mode" > "$work/diff" || fail "$mode: not as through nft: $(head -n 6 "$work/diff" | cut -c 1-400)"
	expect "$mode: probes that were told the same" "$(wc -l < "$work/$mode")" == "$(wc -l < "$work/nft")"
	expect "$mode: errors carried to the client's side" "$(shown all reply forwarded)" '>' 30
	expect "$mode: errors carried to wg-end" "$(shown all original forwarded)" '>' 30
	expect "$mode: errors of our own" "$(($(shown reason original time_exceeded) + $(shown reason original packet_too_big)))" '>' 20
	sockets $mode
	hops "$work/$mode.hops"
	diff "$work/nft.hops" "$work/$mode.hops" || fail "$mode: other hops than through nft"
	expect "$mode: traceroute's lines" "$(wc -l < "$work/$mode.hops")" == "$(wc -l < "$work/nft.hops")"
	expect_sums
	wgxdp down
done
