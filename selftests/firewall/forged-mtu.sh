#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# A stranger's ICMP error about a small path MTU changes nothing for forwarded packets. The error quotes an echo reply, so
# the kernel believes it without a socket, and remembers the MTU for the quoted destination: a backend, or a client. The
# kernel's own forwarding does not use such an MTU, and wgxdp does not use it either. A locked MTU of a route counts.
# That of another route does not, also not where the daemon knows the next hop of all clients. The MTU of a link counts
# as it is, also without a daemon. BREAK=1 locks the MTU of the backend's route.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

n=20
forge() { # FAMILY FROM QUOTED-DESTINATION: the stranger's error
	inside client env PYTHONPATH=selftests/lib PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 - "$1" "$2" "$3" "$(mac firewall wan)" <<- 'EOF'
		import sys
		from scapy_few import Ether, ICMP, ICMPv6EchoReply, ICMPv6PacketTooBig, IP, IPv6, sendp
		family, listener, to, mac = sys.argv[1:]
		if family == '4':
		    quoted = IP(src=listener, dst=to) / ICMP(type=0, id=7) / (b'x' * 8)
		    error = IP(src='203.0.113.66', dst=listener) / ICMP(type=3, code=4, nexthopmtu=552) / bytes(quoted)
		else:
		    quoted = IPv6(src=listener, dst=to) / ICMPv6EchoReply(id=7) / (b'x' * 8)
		    error = IPv6(src='2001:db8:66::1', dst=listener) / ICMPv6PacketTooBig(mtu=1280) / bytes(quoted)
		sendp(Ether(dst=mac) / error, iface='uplink', verbose=0)
	EOF
}
remembered() { inside firewall ip route get "$1" | holds "mtu $2"; } # DESTINATION MTU
passes() { # WHAT FROM TO: long datagrams and their answers pass as they are, by XDP
	local before after
	before=$(shown get services.wg-end.original.forwarded_xdp services.wg-end.reply.forwarded_xdp)
	inside client "$udptool" ask -n $n -r 500 -w 2000 -s 1400 "$2" "$3" > "$work/answered"
	expect "$1: answers" "$(said answered answered)" == $n
	after=$(shown get services.wg-end.original.forwarded_xdp services.wg-end.reply.forwarded_xdp)
	expect "$1: originals by XDP" $((${after% *} - ${before% *})) '>=' $((n / 2))
	expect "$1: replies by XDP" $((${after#* } - ${before#* })) '>=' $((n / 2))
}

firewall_network
start_listener wg-end answers -e "192.168.1.10:$port"
start_listener wg-end answers6 -e "[2001:db8:2::10]:$port"
service_file dnat
wgxdp up -c "$work/wgxdp.yaml" > "$work/up" || fail "up: $(< "$work/up")"
passes 'before' 198.51.100.7:4000 "198.51.100.1:$port"
passes 'before, IPv6' '[2001:db8:1::7]:4000' "[2001:db8:1::1]:$port"
forge 4 198.51.100.1 192.168.1.10
forge 4 198.51.100.1 198.51.100.7
forge 6 2001:db8:1::1 2001:db8:1::7
wait_for 5 'the kernel believes an error about the backend' remembered 192.168.1.10 552
wait_for 5 'the kernel believes an error about the client' remembered 198.51.100.7 552
wait_for 5 'the kernel believes an error about the client, IPv6' remembered 2001:db8:1::7 1280
sleep 1.2 # a next hop is remembered for a second
[[ ! ${BREAK:-} ]] || inside firewall ip route add 192.168.1.10/32 dev lan mtu lock 552
[[ ! ${BREAK:-} ]] || wgxdp up -c "$work/wgxdp.yaml" > "$work/up"
passes 'after the errors' 198.51.100.7:4000 "198.51.100.1:$port"
passes 'after the errors, IPv6' '[2001:db8:1::7]:4000' "[2001:db8:1::1]:$port"
inside firewall ip route add 192.168.99.0/24 dev lan mtu lock 1300
start_daemon -c "$work/wgxdp.yaml"
passes 'another route has a locked MTU' 198.51.100.7:4000 "198.51.100.1:$port"
passes 'another route has a locked MTU, IPv6' '[2001:db8:1::7]:4000' "[2001:db8:1::1]:$port"
end_daemon
expect_sums

# The link's MTU changes, and no daemon follows it
told() { # WHAT FROM TO: a long datagram is not sent, and the client is told
	local before
	inside client ip route flush cache # the client has learned an MTU from an earlier error
	before=$(shown reason original packet_too_big)
	inside client "$udptool" ask -n 1 -w 500 -s 1400 "$2" "$3" > "$work/answered" || :
	expect "$1: the client is told" "$(shown reason original packet_too_big)" '>' "$before"
}
inside firewall ip link set lan mtu 1300
sleep 1.2
told 'another MTU of the link' 198.51.100.7:4000 "198.51.100.1:$port"
told 'another MTU of the link, IPv6' '[2001:db8:1::7]:4000' "[2001:db8:1::1]:$port"
inside firewall ip link set lan mtu 1500

# A locked MTU counts
inside firewall ip route replace 192.168.1.10/32 dev lan mtu lock 1000
wgxdp up -c "$work/wgxdp.yaml" > "$work/up"
told 'a locked MTU of the route' 198.51.100.7:4000 "198.51.100.1:$port"
