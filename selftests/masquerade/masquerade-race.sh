#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# When 3,000 new clients on two CPUs ask for fewer ports at once, no port is given to two of them, and each keeps its
# port. They ask for the same pool port. No answer goes to the wrong client, refused clients are counted, and no half
# of a flow remains. Only a flow that is not answered yet may give way to a new client. This repeats, with all flows
# ended in between. BREAK=1 frees ports in use.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

rounds=10
clients=3000

# Checks that the table lists each flow in both directions
whole() {
	"$build/selftests/flowtable" /sys/fs/bpf/wgxdp/default > "$work/table"
	[[ $(said table wrong) == 0 ]] || fail "$(< "$work/table")"
	said table flows
}

firewall_network
[[ $(nproc) -ge 2 ]] || fail 'one CPU'
cat > "$work/wgxdp.yaml" <<- EOF
	services:
	  - name: race
	    listen: { interface: wan, ports: [ $port ] }
	    backend: { ipv4: 192.168.1.10, port: $port }
	    nat: masquerade
	    flows: { max: 10000, ports: 20000-20999 }
EOF
wgxdp up -c "$work/wgxdp.yaml" > "$work/up" || fail "up: $(< "$work/up")"
packets_by_test_run 10
refused=0 most=0 gave_way=0
for ((round = 1; round <= rounds; round++)); do
	inside firewall "$build/selftests/flowrace" /sys/fs/bpf/wgxdp/default "$(index firewall wan)" "$(index firewall lan)" \
		"$(mac firewall wan)" "$(mac firewall lan)" > "$work/race"
	say "$(< "$work/race")"
	refused=$((refused + $(said race refused)))
	gave_way=$((gave_way + $(said race gave_way)))
	[[ $(said race ports) -le $most ]] || most=$(said race ports)
	for wrong in twice stolen unanswered changed; do [[ $(said race $wrong) == 0 ]] || fail "$wrong: $(said race $wrong); $(wgxdp show drops)"; done
	[[ $(($(said race ports) + $(said race refused))) == "$clients" ]] || fail 'not everybody has a port or is refused'
	[[ $(whole) == "$(said race ports)" ]] || fail "$(whole) flows"
	wgxdp flow del --all > /dev/null
done
expect 'nearly all ports were given, of 1000' "$most" '>=' 900
contended=$(shown reason original flow_contended)
expect 'flows that gave way before their answer' "$gave_way" '<=' $((rounds * clients / 100))
expect 'exhaustion, counted' $(($(shown reason original ports_exhausted) + ${contended:-0})) == $refused
say "of ${refused} refused ones ${contended:-0} met another CPU twice"
expect 'flows made' "$(wgxdp show metrics | awk '/^wgxdp_flows_created_total/ {print $2}')" == "$((rounds * clients - refused))"
expect 'flows left' "$(whole)" == 0
expect_sums
