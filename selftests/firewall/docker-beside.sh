#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# Docker and wgxdp work on one host, and Docker's rules stay as they are, byte for byte. The rules are those of
# iptables-nft, IPv4 and IPv6, with FORWARD dropped by default, a bridge and containers. A port that Docker publishes
# works before, during and after, even while wgxdp starts and stops in the middle of a transfer. wgxdp's services work
# too, one of them with a backend in a container, and so does a container that starts meanwhile. The rules of `gen
# nft` and `gen hosts` load beside Docker's, and work once DOCKER-USER accepts what the guide says. At the end
# Docker's tables are the same byte for byte, with handles. BREAK=1 flushes the rules, like an /etc/nftables.conf that
# begins with `flush ruleset`.
#
#     client .7 -- 198.51.100.0/24 -- .1 wan firewall lan .1 -- 192.168.1.0/24 -- .10 wg-end
#                  2001:db8:1::/64             docker0 .1
#                                  172.17.0.0/16 |  fd00:17::/64
#                                  .2 container -+- .3 another
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

command -v iptables-nft > /dev/null || fail 'no iptables-nft here: apt install iptables'
size=$((8 << 20)) # bytes of the transfer

both() { inside firewall iptables-nft "$@" && inside firewall ip6tables-nft "$@"; }

# The rules that dockerd creates when it starts, with ip6tables
docker_starts() {
	local chain
	inside firewall ip link add docker0 type bridge
	addresses firewall docker0 172.17.0.1/16 fd00:17::1/64
	inside firewall ip link set docker0 up
	inside firewall sysctl -qw net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1 2> /dev/null || :
	for chain in DOCKER DOCKER-ISOLATION-STAGE-1 DOCKER-ISOLATION-STAGE-2 DOCKER-USER; do both -N $chain; done
	both -P FORWARD DROP
	both -A FORWARD -j DOCKER-USER
	both -A FORWARD -j DOCKER-ISOLATION-STAGE-1
	both -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
	both -A FORWARD -o docker0 -j DOCKER
	both -A FORWARD -i docker0 ! -o docker0 -j ACCEPT
	both -A FORWARD -i docker0 -o docker0 -j ACCEPT
	both -A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
	both -A DOCKER-ISOLATION-STAGE-1 -j RETURN
	both -A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
	both -A DOCKER-ISOLATION-STAGE-2 -j RETURN
	both -A DOCKER-USER -j RETURN
	both -t nat -N DOCKER
	both -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
	inside firewall iptables-nft -t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
	inside firewall ip6tables-nft -t nat -A OUTPUT ! -d ::1/128 -m addrtype --dst-type LOCAL -j DOCKER
	inside firewall iptables-nft -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
	inside firewall ip6tables-nft -t nat -A POSTROUTING -s fd00:17::/64 ! -o docker0 -j MASQUERADE
	both -t nat -A DOCKER -i docker0 -j RETURN
}

container() { # NAME NUMBER: `docker run`
	namespaces "$1"
	cable "$1" eth0 firewall "veth$2"
	inside firewall ip link set "veth$2" master docker0
	inside "$1" ip link set eth0 address "02:42:ac:11:00:0$2" # derived from the address, so that neighbours need not learn a new MAC
	addresses "$1" eth0 "172.17.0.$2/16" "fd00:17::$2/64"
	gateways "$1" 172.17.0.1 fd00:17::1
	start "$1" "$root/selftests/lib/web.py" 80 "$1"
	wait_for 5 "$1 serves" tcp_listens "$1" 80
}

# NUMBER PROTOCOL PORT CONTAINER'S-PORT [CHAIN-COMMAND]: the rules of `docker run -p`; -D removes them
publish() {
	local how=${5:--A} ipt to
	for ipt in iptables-nft ip6tables-nft; do
		to=172.17.0.$1
		[[ $ipt == iptables-nft ]] || to=fd00:17::$1
		inside firewall "$ipt" -t nat "$how" POSTROUTING -s "$to" -d "$to" -p "$2" --dport "$4" -j MASQUERADE
		[[ $ipt == iptables-nft ]] || to="[$to]"
		inside firewall "$ipt" -t nat "$how" DOCKER ! -i docker0 -p "$2" --dport "$3" -j DNAT --to-destination "$to:$4"
		to=${to#[} to=${to%]}
		inside firewall "$ipt" "$how" DOCKER -d "$to" ! -i docker0 -o docker0 -p "$2" --dport "$4" -j ACCEPT
	done
}

# Prints Docker's tables without packet counters, with each rule's handle
dockers() {
	local table
	for table in 'ip filter' 'ip nat' 'ip6 filter' 'ip6 nat'; do
		# shellcheck disable=SC2086 # two words
		inside firewall nft -a -s list table $table 2>&1 || :
	done
}

page() { inside "$1" curl -gs -m "${3:-5}" "http://$2/" || :; } # NAMESPACE WHERE [SECONDS]
published() { # WHEN
	expect "$1: the published port" "$(page client 198.51.100.1:8080)" == 'container sees 198.51.100.7'
	expect "$1: over IPv6" "$(page client '[2001:db8:1::1]:8080')" == 'container sees 2001:db8:1::7'
	expect "$1: the container outside" "$(page container 198.51.100.7:81)" == 'client sees 198.51.100.1'
	expect "$1: over IPv6" "$(page container '[2001:db8:1::7]:81')" == 'client sees 2001:db8:1::1'
}

# WHAT ANSWERS FROM TO
asked() {
	inside client "$udptool" ask -w "${patience:-2000}" -n 100 -r 2000 "$3" "$4" > "$work/asked" || :
	expect "$1" "$(said asked answered)" == "$2"
}
served() { # WHEN [ANSWERS: checks the answers of what wgxdp, or rules instead of it, forward
	asked "$1: answers of wg-end" "${2:-100}" 198.51.100.7:4000 "198.51.100.1:$port"
	asked "$1: answers of wg-end, over IPv6" "${2:-100}" '[2001:db8:1::7]:4000' "[2001:db8:1::1]:$port"
	asked "$1: answers of the container" "${2:-100}" 198.51.100.7:4001 198.51.100.1:51821
	asked "$1: answers of the container by Docker" 100 198.51.100.7:4002 198.51.100.1:51822
}

# The same services by rules, after wgxdp: Docker's chain must also accept forwarded packets
by_rules() {
	patience=200 served 'gen nft, and Docker says no' 0
	both -I DOCKER-USER -m conntrack --ctstate DNAT -j ACCEPT
	served 'gen nft, and DOCKER-USER says yes'
	published 'gen nft'
	both -D DOCKER-USER -m conntrack --ctstate DNAT -j ACCEPT
}

# A gateway's rules and clients; one client is here, behind a device with a tunnel's name
way_out() {
	namespaces foo
	cable firewall wg0 foo eth
	addresses firewall wg0 10.200.200.1/24 2001:db8:abcd:1234::1/64
	addresses foo eth 10.200.200.2/24 2001:db8:abcd:1234::2/64
	gateways foo 10.200.200.1 2001:db8:abcd:1234::1
	start foo "$root/selftests/lib/web.py" 80 foo
	wait_for 5 'foo serves' tcp_listens foo 80
	sed 's/interface: eth0/interface: wan/' docs/examples/topology/vps.yaml > "$work/vps.yaml"
	"$wgxdp" gen hosts "$work/vps.yaml" -o "$work/vps" > /dev/null
	inside firewall nft -f "$work/vps/vps/etc/nftables.d/wgxdp.nft"
	expect 'the way out, and Docker says no' "$(page foo 198.51.100.7:81 0.5)" == ''
	for way in -i -o; do both -I DOCKER-USER $way wg0 -j ACCEPT; done
	expect 'the way out, and DOCKER-USER says yes' "$(page foo 198.51.100.7:81)" == 'client sees 198.51.100.1'
	expect 'the way out, over IPv6' "$(page foo '[2001:db8:1::7]:81')" == 'client sees 2001:db8:abcd:1234::2'
	expect 'foo, from the host' "$(page firewall '[2001:db8:abcd:1234::2]')" == 'foo sees 2001:db8:abcd:1234::1'
	expect 'the way in is not open' "$(inside client curl -gs -m 0.5 'http://[2001:db8:abcd:1234::2]/' || :)" == ''
	published 'the way out'
	for way in -i -o; do both -D DOCKER-USER $way wg0 -j ACCEPT; done
}

firewall_network
docker_starts
container container 2
publish 2 tcp 8080 80
publish 2 tcp 7000 7000
publish 2 udp 51822 51822
start client "$root/selftests/lib/web.py" 81 client
wait_for 5 'the client serves' tcp_listens client 81
start_listener wg-end end4 -e "192.168.1.10:$port"
start_listener wg-end end6 -e "[2001:db8:2::10]:$port"
start_listener container boxed -e "172.17.0.2:$port"
start_listener container dockers -e 172.17.0.2:51822
cat > "$work/wgxdp.yaml" << EOF
interfaces: [ { name: wan, role: wan } ]
services:
  - name: wg-end
    listen: { interface: wan, ports: [ $port ] }
    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: $port }
    ipv6: dnat
  - name: boxed
    listen: { interface: wan, ports: [ 51821 ] }
    backend: { ipv4: 172.17.0.2, port: $port }
EOF
inside client ip route add 2001:db8:abcd:1234::/64 via 2001:db8:1::1
"$wgxdp" gen nft -c "$work/wgxdp.yaml" > "$work/rules"
inside firewall nft -f "$work/rules"
published before
dockers > "$work/before"
expect "lines of Docker's rules" "$(wc -l < "$work/before")" '>' 80

head -c $size /dev/urandom > "$work/file"
: > "$work/hold"
transfer_begins client container 198.51.100.1
for mode in native tc; do
	wgxdp up --mode $mode -c "$work/wgxdp.yaml" > "$work/up" || fail "up: $(< "$work/up")"
	served $mode
	published $mode
	expect "$mode: services' packets, forwarded" "$(shown all original forwarded)" == 300
	container another 3
	publish 3 tcp 8081 80
	expect "$mode: a container that started meanwhile" "$(page client 198.51.100.1:8081)" == 'another sees 198.51.100.7'
	publish 3 tcp 8081 80 -D
	kill $!
	inside firewall ip link del veth3
	ip netns del another
	expect_sums
	wgxdp down > /dev/null
done
rm "$work/hold"
transfer_ends 'a transfer to the container while wgxdp came and went'
by_rules
way_out
[[ ! ${BREAK:-} ]] || inside firewall nft flush ruleset
dockers > "$work/after"
cmp "$work/before" "$work/after" || fail "Docker's rules are not what they were: $(diff "$work/before" "$work/after")"
say "ok Docker's rules are byte for byte what they were: $(wc -c < "$work/after") bytes"
published after
