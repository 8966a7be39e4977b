#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 1200
# vm
# Scenario V works from generated files: a VPS is the exit for two clients, and brings an IPv4 client to a home that
# has only IPv6. A VPS is the exit for two clients that have only IPv6 outside, with wg-quick and all their traffic in
# the tunnel. foo has an address of the VPS's /64, routed there or answered by NDP proxy. bar has a ULA, by SNAT or
# masquerade. The test checks the addresses that the internet sees, names by the DNS lines, that nothing leaves beside
# the tunnel, incoming connections, and large transfers in both directions. At the same time the VPS, whose IPv6
# default route comes by router advertisements, brings an IPv4 client to a home that has only IPv6. Then a path
# silently drops packets above 1400 bytes. BREAK=1 leaves out the VPS's rules.
#
#     foo eth0 2001:db8:f::7 -----.
#     bar eth0 2001:db8:ba::7 ----+-- net --+-- 203.0.113.1/24, 2001:db8:0:1::1/64 eth0 vps wg0
#     phone eth0 198.51.100.7 ----'         +-- 2001:db8:9::10 eth0 wg-end
#                                           `-- 192.0.2.80/24, 2001:db8:80::80/64, 8.8.8.8, 2001:4860:4860::8888 eth web
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/hosts.sh"
on=vps

vps4=203.0.113.1 vps6=2001:db8:0:1::1 snat=2001:db8:0:1::5
foo6=2001:db8:abcd:1234::2
size=$((4 << 20)) # bytes of each transfer
large=200000 # bytes of a page

network() {
	hosts foo bar vps phone wg-end
	namespaces net web inner
	routers net
	cable foo eth0 net foo
	cable bar eth0 net bar
	cable vps eth0 net vps
	cable web eth net web
	cable phone eth0 net phone
	cable wg-end eth0 net home
	takes_xdp net vps
	addresses foo eth0 2001:db8:f::7/64
	addresses bar eth0 2001:db8:ba::7/64
	addresses vps eth0 $vps4/24 $vps6/64
	addresses web eth 192.0.2.80/24 2001:db8:80::80/64 8.8.8.8/32 2001:4860:4860::8888/128
	addresses phone eth0 198.51.100.7/24
	addresses wg-end eth0 2001:db8:9::10/64
	addresses net foo 2001:db8:f::1/64
	addresses net bar 2001:db8:ba::1/64
	addresses net vps 203.0.113.254/24 2001:db8:0:1::ffff/64
	addresses net web 192.0.2.1/24 2001:db8:80::1/64
	addresses net phone 198.51.100.1/24
	addresses net home 2001:db8:9::1/64
	gateways foo 2001:db8:f::1
	gateways bar 2001:db8:ba::1
	gateways vps 203.0.113.254
	cat > "$work/radvd.conf" <<- EOF
		interface vps { AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; };
	EOF
	start net radvd -n -C "$work/radvd.conf" -p "$work/radvd.pid" -m stderr 2> "$work/radvd"
	gateways web 192.0.2.1 2001:db8:80::1
	gateways phone 198.51.100.1
	gateways wg-end 2001:db8:9::1
	inside net ip route add 8.8.8.8/32 via 192.0.2.80
	inside net ip route add 2001:4860:4860::8888/128 via 2001:db8:80::80
	# private networks behind the VPS: of the provider, and on a bridge of its own
	addresses web eth 10.55.0.80/32
	inside net ip route add 10.55.0.0/24 via 192.0.2.80
	cable vps br0 inner eth0
	addresses vps br0 192.168.55.1/24 fd55::1/64
	addresses inner eth0 192.168.55.80/24 fd55::80/64
	gateways inner 192.168.55.1 fd55::1
	start inner "$root/selftests/lib/web.py" 80 inner
	# a host next to the VPS, which sends packets with inner addresses to it
	inside net ip route add 10.200.200.0/24 via $vps4
	inside net ip route add fd42:42:42::/64 via $vps6
	for host in foo bar; do count_arrivals net beside "iifname $host meta l4proto { tcp, udp } ip6 daddr != $vps6"; done
	count_arrivals net beside 'iifname { foo, bar } meta protocol ip'
	printf 'www.example.net 60 192.0.2.80 2001:db8:80::80\n' > "$work/names"
	start web "$root/selftests/lib/dns.py" 8.8.8.8 "$work/names"
	start web "$root/selftests/lib/dns.py" 2001:4860:4860::8888 "$work/names"
	start web "$root/selftests/lib/web.py" 80 web
	start_at foo "$root/selftests/lib/web.py" 80 foo
	start_at bar "$root/selftests/lib/web.py" 80 bar
	for host in foo bar web; do wait_for 5 "$host serves" tcp_listens $host 80; done
}

# The route of the VPS's /64
routed() {
	inside net ip address flush dev vps to 2001:db8:abcd:1234::/64
	inside net ip route replace 2001:db8:abcd:1234::/64 via $vps6
}
on_link() {
	inside net ip route del 2001:db8:abcd:1234::/64
	addresses net vps 2001:db8:abcd:1234::ffff/64
}

page() { at "$1" curl -gs -m "${3:-5}" "http://$2/" || :; } # HOST WHERE [SECONDS]

comes_online() { # HOST [MTU]
	online() { at "$1" ping -q -c 1 -W 1 "$2"; }
	wait_for 40 "$1 is online" online "$1" 8.8.8.8
	wait_for 40 "$1 is online by IPv6" online "$1" 2001:4860:4860::8888
	expect "$1: MTU" "$(at "$1" ip -o link show wg0 | sed 's/.* mtu \([0-9]*\).*/\1/')" == "${2:-1280}"
}

# Prints the address that the internet sees, using names that the client resolves through the tunnel
seen() { # HOST IPV6
	comes_online "$1"
	expect "$1: endpoint" "$(at "$1" wg show wg0 endpoints | cut -f 2)" == "[$vps6]:51820"
	expect "$1: the web over IPv4" "$(at "$1" curl -4 -s -m 5 http://www.example.net/ || :)" == "web sees $vps4"
	expect "$1: the web over IPv6" "$(at "$1" curl -6 -s -m 5 http://www.example.net/ || :)" == "web sees $2"
	expect "$1: the name server over IPv6" "$(at "$1" dig +short +tries=1 @2001:4860:4860::8888 www.example.net AAAA)" == 2001:db8:80::80
}

# Connections from the internet to clients: none, except to foo if that is open
inbound() { # established|open
	local there before
	before=$(arrived foo came)
	if [[ $1 == open ]]; then
		expect 'from the internet to foo' "$(inside web curl -gs -m 5 "http://[$foo6]/")" == 'foo sees 2001:db8:80::80'
	else
		expect 'from the internet to foo' "$(inside web curl -gs -m 1 "http://[$foo6]/" || :)" == ''
		expect 'packets that came to foo' "$(($(arrived foo came) - before))" == 0
	fi
	before=$(arrived foo came)
	for there in "[$snat]" "[$vps6]" '[fd42:42:42::3]' 10.200.200.3 10.200.200.2 "$vps4"; do
		expect "from the internet to $there" "$(inside web curl -gs -m 1 "http://$there/" || :)" == ''
	done
	expect 'packets that came to foo and bar' "$(($(arrived foo came) - before + $(arrived bar came)))" == 0
}

# Clients reach each other and the internet, but no other network of the VPS, unless \`home\` names it
inner() {
	expect 'from bar to foo' "$(page bar 10.200.200.2)" == 'foo sees 10.200.200.3'
	for there in 10.55.0.80 192.168.55.80 '[fd55::80]'; do expect "from foo to $there" "$(page foo "$there" 1)" == ''; done
	sed 's/^    networks:/    home: [ 10.55.0.0\/24, 192.168.55.0\/24, "fd55::\/64" ]\n&/' "$work/vps.yaml" > "$work/home.yaml"
	"$wgxdp" gen hosts "$work/home.yaml" -o "$work/vps" > "$work/gen" || fail "gen hosts: $(< "$work/gen")"
	goes vps "$work/vps/vps"
	comes_online foo
	for there in 10.55.0.80 192.168.55.80 '[fd55::80]'; do [[ $(page foo "$there") == *' sees '* ]] || fail "foo does not reach $there, which is home"; done
}

# While the VPS's tunnel is down, packets for it do not loop between the VPS and its provider
no_loop() {
	quick vps down wg0
	expect 'the tunnel is down: who says so' "$(inside web ping -c 1 -W 1 $foo6 | sed -n 's/^From \([^ ]*\) .*unreachable.*/\1/p')" == $vps6
	boots vps
	comes_online foo
	comes_online bar
}

# Large transfers of all clients at once, in both directions
transfers() {
	local who n=0 pids=()
	for who in 'foo 192.0.2.80' 'foo [2001:db8:80::80]' 'bar 192.0.2.80' 'bar [2001:db8:80::80]' 'phone 10.200.200.1'; do
		n=$((n + 1))
		# shellcheck disable=SC2086 # two words
		load $who > "$work/down$n" &
		pids+=($!)
		# shellcheck disable=SC2086
		load $who --upload > "$work/up$n" &
		pids+=($!)
	done
	wait "${pids[@]}" || fail 'a transfer broke'
	expect "whole of $((2 * n)) transfers of $size bytes at once" "$(cat "$work"/down? "$work"/up? | grep -cx $size)" == $((2 * n))
}
load() { # HOST WHERE [--upload]
	if [[ ${3:-} ]]; then
		at "$1" curl -gs -m 300 --data-binary "@$work/file" -H Expect: "http://$2/"
	else
		at "$1" curl -gs -m 300 "http://$2/$size" -o /dev/null -w '%{size_download}\n'
	fi
}

# The phone has no IPv6 and the home no IPv4. The VPS's own WireGuard uses port 51820 of IPv6, so only IPv4's leads home
brings_home() {
	generated ipv6-only-home "s/203.0.113.2/$vps4/; s/2001:db8:1::2/$vps6/; s/^    nat: masquerade/    ipv6: off\n&/"
	names_of ipv6-only-home >> "$work/names"
	at phone sh -c 'echo nameserver 8.8.8.8 > /etc/resolv.conf'
	for host in vps wg-end phone; do goes $host "$work/ipv6-only-home/$host"; done
	follows vps
	start_at wg-end "$root/selftests/lib/web.py" 80 home
	comes_home() { at phone ping -q -c 1 -W 1 10.200.200.1; }
	wait_for 15 'the phone is at home' comes_home
	expect "the phone's endpoint" "$(at phone wg show wg0 endpoints | cut -f 2)" == "$vps4:51820"
	expect 'wg-end sees the phone as' "$(at wg-end wg show wg0 endpoints | cut -f 2 | grep -v none | sed 's/:[0-9]*$//')" == "[$vps6]"
}

# Silently drops packets above 1400 bytes between foo and the VPS
black_hole() {
	local there half
	inside net nft add table inet hole
	inside net nft add chain inet hole forward '{ type filter hook forward priority 0; }'
	for way in iifname oifname; do inside net nft add rule inet hole forward $way foo meta length '>' 1400 counter drop; done
	expect 'MTU 1280: a page through the hole' "$(page foo "192.0.2.80/$large" 20 | wc -c)" == $large
	at foo ip link set wg0 mtu 1420
	at vps ip link set wg0 mtu 1420
	for there in 192.0.2.80 2001:db8:80::80; do
		expect "MTU 1420: ping -s 800, 1200, 1400 to $there" "$(pings $there 800) $(pings $there 1200) $(pings $there 1400)" == '1 1 0'
	done
	for there in 192.0.2.80 '[2001:db8:80::80]'; do
		expect "MTU 1420: a small page of $there" "$(page foo "$there/1000" | wc -c)" == 1000
		half=$(page foo "$there/$large" 3 | wc -c)
		expect "MTU 1420: a large one begins" "$half" '>' 0
		expect "MTU 1420: and does not end" "$half" '<' $large
	done
	for there in 192.0.2.80 2001:db8:80::80; do probed $there 3 'black-hole 1320'; done
	routed
	generated vps 's/ipv6: direct }/ipv6: direct, mtu: 1400 }/; s/ipv6: nat } /ipv6: nat, mtu: 1400 } /'
	passes 1320
	for there in 192.0.2.80 2001:db8:80::80; do probed $there 0 'clear 1320'; done
	generated vps
	passes 1280
}
# Both ends as generated, with this MTU
passes() { # MTU
	local host there
	for host in vps foo; do goes $host "$work/vps/$host"; done
	comes_online foo "$1"
	for there in 192.0.2.80 2001:db8:80::80; do
		expect "MTU $1: ping -s 800, 1200, 1400 to $there" "$(pings $there 800) $(pings $there 1200) $(pings $there 1400)" == '1 1 1'
	done
	for there in 192.0.2.80 '[2001:db8:80::80]'; do
		expect "MTU $1: a large page of $there" "$(page foo "$there/$large" 20 | wc -c)" == $large
	done
}
probed() { # ADDRESS STATUS VERDICT-AND-MTU: the output of wgxdp mtu
	local status=0
	at foo "$wgxdp" mtu --json "$1" --through wg0 > "$work/mtu" || status=$?
	expect "wgxdp mtu $1" "$status $(/usr/bin/python3 -c 'import json, sys
t = json.load(sys.stdin)["targets"][0]
print(t["verdict"], t.get("wireguard_mtu"))' < "$work/mtu")" == "$2 $3"
}
pings() { at foo ping -q -c 2 -i 0.2 -W 1 -s "$2" "$1" | awk '/received/ {print ($4 > 0)}'; } # ADDRESS SIZE: 1 or 0

goes() { # HOST TREE
	local device
	for device in $(at "$1" wg show interfaces); do quick "$1" down "$device"; done
	installs "$1" "$2"
	[[ $1 != vps || ! ${BREAK:-} ]] || at vps sh -c ': > /etc/nftables.d/wgxdp.nft'
	boots "$1"
}

network
head -c $size /dev/urandom > "$work/file"
has_default() { at vps ip -6 route show default proto ra | holds .; }
run() { # WHAT FOO6 BAR6 INBOUND
	local host
	say "--- $1"
	for host in vps foo bar; do goes $host "$work/vps/$host"; done
	wait_for 10 'the VPS has its default route by router advertisements' has_default
	seen foo "$2"
	seen bar "$3"
	inbound "$4"
	[[ $4 == open ]] || inner
	[[ $4 == open ]] || no_loop
	transfers
	expect 'packets beside the tunnels' "$(arrived net beside)" == 0
}

for host in foo bar; do count_arrivals $host came 'iifname wg0 tcp dport 80'; done
brings_home
routed
generated vps
run 'foo routed, bar by SNAT, established' $foo6 $snat established
on_link
generated vps 's/ipv6: "2001:db8:0:1::5"/ipv6: masquerade/; s/inbound: established/inbound: open/; s/proxy-ndp: false/proxy-ndp: true/'
run 'foo by NDP proxy, bar by masquerade, open' $foo6 $vps6 open
expect "the phone's packets, forwarded" "$(shown get services.wg-end.original.forwarded)" '>' $((2 * size / 1400))
expect_sums
black_hole
say "ok scenario V: foo routed and by NDP proxy, bar by SNAT and masquerade, 20 transfers of $((size >> 20)) MB, 0 packets beside the tunnels"
