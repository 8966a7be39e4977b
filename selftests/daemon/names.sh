#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# A backend that is a name follows DNS without losing a packet, and keeps its address while DNS fails. The daemon
# waits until it resolves, asks again when its TTL ends, and keeps the address while DNS fails, even over a boot. The
# name moves to another host under 10,000 packets a second, and none is lost. A file with another name that is refused
# changes nothing, and neither does a trial that ends without DNS. Search domains give no address to a name that
# exists. BREAK=1 leaves the name without an address in between.
#
#     client uplink -- wan firewall lan -- switch -- eth one    192.168.1.11
#                       name server    \             \- eth two    192.168.1.12
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

n=24000 # packets
rate=3000

name() { # TTL ADDRESS...: sets the addresses of wg-end.example.net
	echo "wg-end.example.net $*" > "$work/zone.new"
	mv "$work/zone.new" "$work/zone"
}
start_dns() {
	start firewall "$root/selftests/lib/dns.py" 127.0.0.1 "$work/zone" > "$work/dns"
	dns=$!
	wait_for 5 'the name server listens' grep -q listening "$work/dns"
}
stop_dns() { kill $dns; wait $dns 2> /dev/null || :; }
forwards_to() { wgxdp show services | holds "backend: $1:$port"; } # ADDRESS

two_backends_network
for host in one:11 two:12; do
	gateways "${host%:*}" 192.168.1.1
	count_arrivals "${host%:*}" all_of_them "ip daddr 192.168.1.${host#*:} udp dport $port"
	start_listener "${host%:*}" "listener-${host%:*}" "0.0.0.0:$port"
done
echo 'nameserver 127.0.0.1' > "$work/resolv.conf"
mount --bind "$work/resolv.conf" "$(realpath /etc/resolv.conf)"
cat > "$work/wgxdp.yaml" << EOF
services:
  - { name: wg-end, listen: { interface: wan, ports: [ $port ] }, backend: { ipv4: wg-end.example.net, port: $port } }
EOF

wgxdp up -c "$work/wgxdp.yaml" > "$work/up" 2>&1 || fail "up with a name that does not resolve: $(< "$work/up")"
grep -q 'backend wg-end.example.net has no IPv' "$work/up" || fail "up does not say what waits: $(< "$work/up")"
expect 'state of its service' "$(shown get services.wg-end.state)" == waiting
start_daemon -c "$work/wgxdp.yaml"
name 1 192.168.1.11 192.168.1.12
start_dns
wait_for 10 'the name resolves' forwards_to 192.168.1.11
say 'ok forwarded, once the name resolves'

start client "$udptool" send -n $n -r $rate -c 200 uplink "$(mac firewall wan)" 198.51.100.7:4000 198.51.100.1:$port > "$work/sent"
sender=$!
moved=0
while kill -0 $sender 2> /dev/null; do
	((moved++ % 2)) && now=11 || now=12
	[[ ! ${BREAK:-} ]] || name 1 192.168.1.99
	[[ ! ${BREAK:-} ]] || wait_for 5 'the name has an unused address' forwards_to 192.168.1.99
	name 1 "192.168.1.$now"
	wait_for 5 'the name moves' forwards_to "192.168.1.$now"
done
wait $sender
expect_sums
expect 'moved often' $moved '>=' 3
expect 'some to each' $(($(arrived one all_of_them) > 1000 && $(arrived two all_of_them) > 1000)) == 1
expect "lost of $n while the name moved $moved times" $((n - $(arrived one all_of_them) - $(arrived two all_of_them))) == 0

name 1 "192.168.1.$((23 - now))" "192.168.1.$now"
wait_for 5 'two addresses' sleep 2.2
forwards_to "192.168.1.$now" || fail 'it moved to another address though its own was still among the answers'

# the name has another address in the search domain, and has no longer one of IPv4
echo 'search example.net' >> "$work/resolv.conf"
printf '%s\n' 'wg-end.example.net 1 2001:db8::9' 'wg-end.example.net.example.net 1 192.168.1.99' > "$work/zone"
wait_for 10 'the daemon says that the name lacks an address' grep -q "no IPv4 address was found.*: the last one is used, 192.168.1.$now" "$work/daemon"
forwards_to "192.168.1.$now" || fail 'it moved to an address of the search domain'
: > "$work/daemon"
printf '%s\n' "wg-end.example.net 300 192.168.1.$now" 'other.example.net 300 192.168.1.99' > "$work/zone"
sleep 2.2

# a file that is refused: its services listen on one port of wan
sed 's/wg-end.example.net/other.example.net/; p; /services:/d; s/name: wg-end/name: second/; s/interface: wan/addresses: [ 198.51.100.1 ]/' \
	"$work/wgxdp.yaml" > "$work/refused.yaml"
cp "$work/wgxdp.yaml" "$work/right.yaml"
cp "$work/refused.yaml" "$work/wgxdp.yaml"
kill -HUP "$daemon"
wait_for 10 'the file is refused' grep -q 'was not applied, and the old configuration still runs' "$work/daemon"
sleep 0.5
forwards_to "192.168.1.$now" || fail "a refused file took the backend's address: $(wgxdp show services)"
cp "$work/right.yaml" "$work/wgxdp.yaml"
end_daemon
name 1 "192.168.1.$now"
start_daemon -c "$work/wgxdp.yaml"
sleep 1
say 'ok neither a search domain nor a refused file takes the address'

stop_dns
wait_for 10 'the daemon says that DNS fails' grep -q "no IPv4 address was found.*: the last one is used, 192.168.1.$now" "$work/daemon"
forwards_to "192.168.1.$now" || fail 'it forgot the last good answer'
end_daemon
wgxdp down
rm -rf /run/wgxdp
start_daemon -c "$work/wgxdp.yaml"
forwards_to "192.168.1.$now" || fail 'after a boot it does not know the last good answer'
say 'ok the last good answer is kept, after a boot too'

# without DNS, the end of a trial brings back the name's address
sed 's/wg-end.example.net/other.example.net/' "$work/right.yaml" > "$work/other.yaml"
wgxdp up --try 1 -c "$work/other.yaml" > "$work/tried" 2>&1 && fail "a trial was kept: $(< "$work/tried")"
grep -q 'rolled back: the instance runs as before' "$work/tried" || fail "the trial: $(< "$work/tried")"
sleep 1
forwards_to "192.168.1.$now" || fail "after a trial: $(wgxdp show services)"
end_daemon

# names without a dot, and those that do not exist as they are, are searched
name 1 192.168.1.12
start_dns
for word in wg-end:example.net wg-end.example:net; do
	printf '%s\n' 'nameserver 127.0.0.1' "search ${word#*:}" > "$work/resolv.conf"
	sed "s/wg-end.example.net/${word%:*}/" "$work/right.yaml" > "$work/other.yaml"
	wgxdp up -c "$work/other.yaml" > "$work/up" 2>&1 || fail "up: $(< "$work/up")"
	forwards_to 192.168.1.12 || fail "$word: $(< "$work/up")"
	wgxdp down > /dev/null
	rm -rf /run/wgxdp
done
# the domain of the root
printf '%s\n' 'nameserver 127.0.0.1' 'search .' > "$work/resolv.conf"
sed 's/wg-end.example.net/missing.example.net/' "$work/right.yaml" > "$work/other.yaml"
wgxdp up -c "$work/other.yaml" > "$work/up" 2>&1 || fail "up: $(< "$work/up")"
grep -q 'backend missing.example.net has no IPv' "$work/up" || fail "search .: $(< "$work/up")"
say 'ok a trial without DNS, and search domains'
say "ok moved $moved times under $rate packets/s, none lost"
