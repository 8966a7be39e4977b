#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# After `service set` and `add` with a name, the service never waits and loses no packet, beside a daemon whose name
# server is slow. The daemon does not know the name yet. The daemon takes over the address that the command has
# resolved, so the service never waits again. Under 2,000 packets a second none is lost. BREAK=1 leaves the name
# without an address.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
#                                         name server
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

n=12000 # packets
rate=2000

some_arrive() { (($(arrived wg-end all_of_them) > 100)); }

firewall_network
count_arrivals wg-end all_of_them "ip daddr 192.168.1.10 udp dport $port"
start_listener wg-end listener "0.0.0.0:$port"
echo 'nameserver 127.0.0.1' > "$work/resolv.conf"
mount --bind "$work/resolv.conf" "$(realpath /etc/resolv.conf)"
echo "wg-end.example.net 60 192.168.1.${BREAK:+9}${BREAK:-10}" > "$work/zone"
start firewall "$root/selftests/lib/dns.py" 127.0.0.1 "$work/zone" 0.8 > "$work/dns"
wait_for 5 'the name server listens' grep -q listening "$work/dns"
cat > "$work/wgxdp.yaml" << EOF
services:
  - { name: wg-end, listen: { interface: wan, ports: [ $port ] }, backend: { ipv4: 192.168.1.10, port: $port } }
EOF
start_daemon -c "$work/wgxdp.yaml"

start client "$udptool" send -n $n -r $rate uplink "$(mac firewall wan)" 198.51.100.7:4000 198.51.100.1:$port > "$work/sent"
sender=$!
wait_for 5 'packets arrive' some_arrive
wgxdp service set wg-end --backend wg-end.example.net > "$work/set" 2>&1 || fail "service set: $(< "$work/set")"
wgxdp service add second --listen wan --port 4433 --backend wg-end.example.net:4433 > "$work/add" 2>&1 ||
	fail "service add: $(< "$work/add")"
wait $sender
expect 'backends that the daemon waits for' "$(grep -c 'warning: .*backend .* has no IPv' "$work/daemon")" == 0
expect "lost of $n" $((n - $(arrived wg-end all_of_them))) == 0
expect_sums
end_daemon
