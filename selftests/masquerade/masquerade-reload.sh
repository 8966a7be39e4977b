#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# A `reload` that doubles the room for flows, under 100,000 packets/s and with new clients all the time, loses no
# packet and no flow. It is repeated. The packets are of an existing flow, in both directions. The backend sees no
# client under another port, not even one that came while the entries were copied. The backend answers twice, so a
# flow that the new table lacks loses its second answer. BREAK=1 deletes the flows once.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall lan .1 -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

rate=${RATE:-100000} seconds=20 times=4 newcomers=${NEWCOMERS:-150}
config() { # FLOWS
	masquerading "max: $1" > "$work/wgxdp.yaml"
	cat >> "$work/wgxdp.yaml" <<- EOF
		  - name: newcomers
		    listen: { interface: wan, ports: [ 443 ] }
		    backend: { ipv4: 192.168.1.10, port: 4500 }
		    nat: masquerade
		    flows: { max: 8000 }
	EOF
}
listening() { [[ -s $work/listening ]]; }
program() { bpftool -j prog show pinned /sys/fs/bpf/wgxdp/default/progs/wgxdp_xdp | grep -o '"id":[0-9]*'; }

firewall_network
quiet wg-end client
count_arrivals wg-end steady "udp dport $port"
config 8000 # 16,000 with the other service's
start_daemon -c "$work/wgxdp.yaml"
start wg-end "$root/selftests/lib/newcomers.py" listen 192.168.1.10 4500 > "$work/listening"
wait_for 10 'the backend' listening
start_listener wg-end steady -e "192.168.1.10:$port"
inside client "$udptool" ask 198.51.100.7:4000 "198.51.100.1:$port" > "$work/asked"
expect 'answered' "$(said asked answered)" == 1
steady=$(arrived wg-end steady)

start client "$udptool" send -n $((rate * seconds)) -r "$rate" uplink "$(mac firewall wan)" 198.51.100.7:4000 "198.51.100.1:$port" > "$work/sent"
sender=$!
start client "$root/selftests/lib/newcomers.py" ask 198.51.100.7 198.51.100.1 443 "$newcomers" $seconds > "$work/newcomers"
asker=$!
sleep 1
for ((i = 1; i <= times; i++)); do
	was=$(program)
	config $(((16000 << i) - 8000))
	wgxdp reload -c "$work/wgxdp.yaml" > "$work/reload"
	expect "$((16000 << i)) flows: other programs" "$(program)" != "$was"
	[[ ! ${BREAK:-} || $i != 2 ]] || wgxdp flow del --service newcomers > /dev/null
	sleep 0.3
done
all_run $sender $asker || fail 'the traffic ended before the last reload'
wait $asker $sender
expect 'packets of the steady flow that arrived, of those sent' $(($(arrived wg-end steady) - steady)) == "$(said sent sent)"
expect 'clients' "$(said newcomers clients)" == $((newcomers * seconds))
expect 'their packets' "$(said newcomers sent)" == $((newcomers * seconds * 4))
expect 'answers, two of each' "$(said newcomers answers)" == $((newcomers * seconds * 8))
expect 'clients that the backend saw under another port' "$(said newcomers moved)" == 0
expect_sums
end_daemon
