#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# A host's own tunnel and a VPN in a network namespace of its owner work before, during and after wgxdp. A host runs
# wgxdp, a tunnel of its own, and its owner's work in a network namespace. The work has a VPN, whose packets pass the
# NIC that wgxdp serves, and by /etc/netns/work its own name server and preference of IPv4. Names are resolved and
# traffic leaves in the right place, before, during and after wgxdp, which starts and stops in the middle of a
# transfer of the work. Its service and the host's own tunnel work meanwhile. BREAK=1 leaves out /etc/netns/work.
#
#     client .7 --- 198.51.100.0/24, 2001:db8:1::/64 --.           .-- lan 192.168.1.0/24, 2001:db8:2::/64 -- .10 wg-end
#     corp   .50 -- 192.0.2.0/24, 2001:db8:50::/64 -- net -- wan host        203.0.113.1, 2001:db8:3::1
#       10.60.0.80: names and a web server             |           '-- namespace work: wgw 10.60.0.2
#     web    .80 -- 192.0.2.0/24, 2001:db8:80::/64 ----'
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/hosts.sh"
on=host
size=$((8 << 20)) # bytes of the transfer

network() {
	namespaces client net corp web wg-end
	hosts host
	routers net corp host
	cable client uplink net clients
	cable corp eth net corp
	cable web eth net web
	cable host wan net host
	cable host lan wg-end eth
	takes_xdp net host
	takes_xdp wg-end eth
	addresses client uplink 198.51.100.7/24 2001:db8:1::7/64
	addresses net clients 198.51.100.1/24 2001:db8:1::1/64
	addresses corp eth 192.0.2.50/28 2001:db8:50::50/64
	addresses net corp 192.0.2.49/28 2001:db8:50::1/64
	addresses web eth 192.0.2.80/28 2001:db8:80::80/64
	addresses net web 192.0.2.81/28 2001:db8:80::1/64
	addresses net host 203.0.113.254/24 2001:db8:3::ffff/64
	addresses host wan 203.0.113.1/24 2001:db8:3::1/64
	addresses host lan 192.168.1.1/24 2001:db8:2::1/64
	addresses wg-end eth 192.168.1.10/24 2001:db8:2::10/64
	gateways client 198.51.100.1 2001:db8:1::1
	gateways corp 192.0.2.49 2001:db8:50::1
	gateways web 192.0.2.81 2001:db8:80::1
	gateways host 203.0.113.254 2001:db8:3::ffff
	gateways wg-end 192.168.1.1 2001:db8:2::1
	inside net ip route add 2001:db8:2::/64 via 2001:db8:3::1
	printf 'www.example.net 60 192.0.2.80 2001:db8:80::80\n' > "$work/names"
	printf 'www.example.net 60 192.0.2.80 2001:db8:80::80\nintranet.example.com 60 10.60.0.80\n' > "$work/names.corp"
	start web "$root/selftests/lib/dns.py" 192.0.2.80 "$work/names" > "$work/dns"
	start web "$root/selftests/lib/web.py" 80 web
	at host sh -c 'echo nameserver 192.0.2.80 > /etc/resolv.conf'
	wait_for 5 'the web serves' tcp_listens web 80
	wait_for 5 'the name server' grep -q listening "$work/dns"
}

# The work's VPN by wg-quick, or by `ip link set DEVICE netns work`: its traffic belongs to the namespace, and its own
# packets to the host
work_vpn() {
	tunnel corp wgc 10.60.0.1/24 51820
	inside corp ip address add 10.60.0.80/32 dev lo
	start corp "$root/selftests/lib/dns.py" 10.60.0.80 "$work/names.corp" > "$work/dns.corp"
	start corp "$root/selftests/lib/web.py" 80 intranet
	inside corp nft -f - <<- EOF
		table ip corp { chain out { type nat hook postrouting priority 100; oifname eth masquerade; }; }
	EOF
	at host ip netns add work
	(umask 077 && wg genkey > "$work/wgw.key")
	inside corp wg set wgc peer "$(wg pubkey < "$work/wgw.key")" allowed-ips 10.60.0.2/32
	if [[ $WGXDP_WG == kernel ]]; then at host ip link add wgw type wireguard; else at host wireguard-go wgw > "$work/wgw.log" 2>&1; fi
	at host wg set wgw private-key "$work/wgw.key" peer "$(key wgc)" endpoint 192.0.2.50:51820 allowed-ips 0.0.0.0/0 persistent-keepalive 25
	at host ip link set wgw netns work
	at host ip -n work address add 10.60.0.2/32 dev wgw
	at host ip -n work link set lo up
	at host ip -n work link set wgw mtu 1420 up
	at host ip -n work route add default dev wgw
	[[ ! ${BREAK:-} ]] || return 0
	at host mkdir -p /etc/netns/work
	at host sh -c 'echo nameserver 10.60.0.80 > /etc/netns/work/resolv.conf
		echo "precedence ::ffff:0:0/96 100" > /etc/netns/work/gai.conf'
}
at_work() { at host ip netns exec work "$@"; }

own_tunnel() { # the host's own tunnel, to the client
	tunnel client wgt 10.77.0.2/24 51820
	(umask 077 && wg genkey > "$work/wg0.key")
	if [[ $WGXDP_WG == kernel ]]; then at host ip link add wg0 type wireguard; else at host wireguard-go wg0 > "$work/wg0.log" 2>&1; fi
	at host wg set wg0 private-key "$work/wg0.key" peer "$(key wgt)" endpoint "[2001:db8:1::7]:51820" allowed-ips 10.77.0.2/32
	inside client wg set wgt peer "$(wg pubkey < "$work/wg0.key")" allowed-ips 10.77.0.1/32
	addresses host wg0 10.77.0.1/24
	at host ip link set wg0 up
}

each_its_own() { # WHEN
	expect "$1, work: the intranet's name" "$(at_work getent hosts intranet.example.com | awk '{print $1}')" == 10.60.0.80
	expect "$1, work: the intranet" "$(at_work curl -s -m 5 http://intranet.example.com/ || :)" == 'intranet sees 10.60.0.2'
	expect "$1, work: of both families" "$(at_work getent ahosts www.example.net | awk '{print $1; exit}')" == 192.0.2.80
	expect "$1, work: the web" "$(at_work curl -s -m 5 http://www.example.net/ || :)" == 'web sees 192.0.2.50'
	expect "$1, host: the intranet's name" "$(at host getent hosts intranet.example.com || :)" == ''
	expect "$1, host: of both families" "$(at host getent ahosts www.example.net | awk '{print $1; exit}')" == 2001:db8:80::80
	expect "$1, host: the web" "$(at host curl -s -m 5 http://www.example.net/ || :)" == 'web sees 2001:db8:3::1'
	expect "$1, host: its own tunnel" "$(at host ping -q -c 1 -W 1 10.77.0.2 | awk '/received/ {print $4}')" == 1
}
served() { # WHEN: wgxdp serves 200 packets
	local way
	for way in '198.51.100.7 203.0.113.1' '[2001:db8:1::7] [2001:db8:2::10]'; do
		inside client "$udptool" ask -n 100 -r 2000 "${way% *}:4000" "${way#* }:$port" > "$work/asked" || :
		expect "$1: answers of wg-end to ${way% *}" "$(said asked answered)" == 100
	done
}

network
choose_wireguard
work_vpn
own_tunnel
start_listener wg-end end4 -e "192.168.1.10:$port"
start_listener wg-end end6 -e "[2001:db8:2::10]:$port"
cat > "$work/wgxdp.yaml" << EOF
services:
  - name: wg-end
    listen: { interface: wan, ports: [ $port ] }
    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: $port }
EOF
works() { at_work ping -q -c 1 -W 1 10.60.0.80; }
wait_for 15 "the work's VPN" works
each_its_own before
head -c $size /dev/urandom > "$work/file"
: > "$work/hold"
began=$(elapsed)
start corp socat -u TCP4-LISTEN:7000,reuseaddr "CREATE:$work/got"
receiver=$!
wait_for 10 'socat listens' tcp_listens corp 7000
at_work socat -u - TCP4:10.60.0.80:7000 < <(pour) &
sender=$!
for mode in native tc; do
	wgxdp up --mode $mode -c "$work/wgxdp.yaml" > "$work/up" || fail "up: $(< "$work/up")"
	served $mode
	each_its_own $mode
	for way in original reply; do expect "$mode: forwarded, $way" "$(shown all $way forwarded)" '>=' 200; done
	expect_sums
	! transfer_over 2> /dev/null || fail "the work's transfer was over before wgxdp went"
	wgxdp down > /dev/null
done
rm "$work/hold"
transfer_ends "the work's transfer while wgxdp came and went"
each_its_own after
