#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# `show flows`, `show services` and the metrics report the clients of masquerading services. `save` prints what runs. A
# waiting pager blocks no other command. `flow del`, and the removal of ports, end only the named flows. BREAK=1 ends
# another client's flow.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall lan .1 -- 192.168.1.0/24 -- .10 wg-end
#                   2001:db8:1::/64                              2001:db8:2::/64
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

crowd=300 # clients
brief=8 # seconds: a flow waits while programs are loaded
[[ ! ${UDPTOOL_MOST:-} ]] || brief=40 # on an emulated CPU (scripts/test)

configuration() { # PORTS [MAX]
	masquerading "max: 2000, timeout: 600s, ports: $1, source: [ 192.168.1.1 ]"
	cat <<- EOF
		  - name: six
		    listen: { interface: wan, ports: [ 443 ] }
		    backend: { ipv6: "2001:db8:2::10", port: $port }
		    nat: masquerade
		    flows: { max: ${2:-1000} }
		  - name: brief
		    listen: { interface: wan, ports: [ 444 ] }
		    backend: { ipv4: 192.168.1.10, port: $port }
		    nat: masquerade
		    flows: { max: 1000, timeout: ${brief}s, ports: 30000 }
	EOF
}

# service client public ours backend packets-of-the-original packets-of-the-reply bytes peer
rows() {
	wgxdp show flows --json "$@" | /usr/bin/python3 -IS -c '
import json, sys
for f in json.load(sys.stdin)["flows"]:
    assert f["packets"] == f["original"]["packets"] + f["reply"]["packets"], f
    assert 0 <= f["idle"] <= f["age"] + 1, f
    print(*(f[k] for k in ("service", "client", "public", "ours", "backend")), f["original"]["packets"], f["reply"]["packets"],
          f["original"]["bytes"], f["wg_peer"])'
}
count() { rows | grep -c "${1:-.}" || :; }
ask() { inside client "$udptool" ask -n "${3:-5}" -r 1000 "$1" "$2" > "$work/asked"; } # FROM TO [NUMBER]
refused() { # STATUS WORDS ARGUMENT...
	local status=0
	wgxdp flow "${@:3}" > "$work/said" 2>&1 || status=$?
	[[ $status == "$1" && $(< "$work/said") == *"$2"* ]] || fail "flow ${*:3}: status $status, $(< "$work/said")"
	say "ok refused: flow ${*:3}"
}
metric() { wgxdp show metrics | awk -v name="$1" '$1 == name {print $2}'; } # NAME{LABELS}

firewall_network
inside firewall ip route add 10.9.0.0/16 via 198.51.100.7
start_listener wg-end four -e 192.168.1.10:$port
start_listener wg-end sixth -e "[2001:db8:2::10]:$port"
configuration 20000-20999 > "$work/wgxdp.yaml"
wgxdp up -c "$work/wgxdp.yaml" > "$work/up" || fail "up: $(< "$work/up")"
[[ $(wgxdp show flows) == 'flows: none' ]] || fail 'there are flows without a client'

ask 198.51.100.7:20500 198.51.100.1:$port
ask 198.51.100.7:4000 198.51.100.1:$port 7
ask '[2001:db8:1::7]:30000' '[2001:db8:1::1]:443' 3
ask 198.51.100.7:30001 198.51.100.1:443
rows > "$work/rows"
cat "$work/rows"
expect 'flows' "$(wc -l < "$work/rows")" == 4
# packets sent before the first answer do not count for the flow yet
expect 'its own port' "$(grep -c "^many 198.51.100.7:20500 198.51.100.1:$port 192.168.1.1:20500 192.168.1.10:$port [0-5] [0-5] " "$work/rows")" == 1
expect 'another port' "$(grep -cE "^many 198.51.100.7:4000 198.51.100.1:$port 192.168.1.1:20[0-9]{3} 192.168.1.10:$port [0-7] [0-7] " "$work/rows")" == 1
expect 'IPv6' "$(grep -cF "six [2001:db8:1::7]:30000 [2001:db8:1::1]:443 [2001:db8:2::1]:30000 [2001:db8:2::10]:$port " "$work/rows")" == 1
expect 'IPv4 to IPv6' "$(grep -cF "six 198.51.100.7:30001 198.51.100.1:443 [2001:db8:2::1]:30001 [2001:db8:2::10]:$port " "$work/rows")" == 1
expect 'sorted' "$(cut -d ' ' -f 2 "$work/rows" | tr '\n' ' ')" == '198.51.100.7:4000 198.51.100.7:20500 198.51.100.7:30001 [2001:db8:1::7]:30000 '
expect 'of many' "$(shown get services.many.flows) $(shown get services.many.flows_max) $(shown get services.many.source_ports)" == '2 5461 20000-20999'
expect 'as whom' "$(shown get services.many.source) $(shown get services.six.source) $(shown get services.many.flow_timeout)" == \
	'["192.168.1.1"] ["2001:db8:2::1"] 600'
expect 'backend of another family' "$(shown get services.six.backend)" == "[\"[2001:db8:2::10]:$port\"]"
expect 'nat' "$(shown get services.six.nat)" == masquerade
expect 'the peer' "$(rows --wg <(printf 'x\ty\t51820\toff\n%s\t(none)\t192.168.1.1:20500\t(none)\t7\t0\t0\toff\n' \
	YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY=) | awk '$9 != "None" {print $2, $9}')" == \
	'198.51.100.7:20500 YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY='
status=0
echo nonsense | wgxdp show flows --wg - > "$work/said" 2>&1 || status=$?
expect 'nonsense for a dump' "$status $(< "$work/said")" == \
	"2 wgxdp: error: <stdin>:1: this is not a line of \`wg show IF dump\` or \`wg show all dump\`"

say "$crowd clients at once"
inside client "$udptool" send -n $crowd -r 2000 -c $crowd uplink "$(mac firewall wan)" 10.9.0.1:5000 198.51.100.1:$port
all_there() { [[ $(count) == $((crowd + 4)) ]]; }
wait_for 5 'their flows' all_there
expect 'ports, each once' "$(rows | grep ^many | cut -d ' ' -f 4 | sort -u | wc -l)" == $((crowd + 2))
wgxdp show metrics > "$work/metrics"
expect 'metric of flows' "$(metric 'wgxdp_flows{service="many"}')" == $((crowd + 2))
expect 'metric of those created' "$(metric 'wgxdp_flows_created_total{service="six"}')" == 2
expect 'metric of entries' "$(metric 'wgxdp_map_entries{map="flows"}') of $(metric 'wgxdp_map_max_entries{map="flows"}')" == "$((crowd + 4)) of 5461"

mkfifo "$work/pager"
exec {pager}<> "$work/pager"
start firewall "$wgxdp" show flows --json > "$work/pager"
shows=$!
wait_for 5 'a pager that is full' grep -q pipe_write "/proc/$shows/wchan" "/proc/$shows/stack"
wgxdp service deny add many 203.0.113.9 > /dev/null
kill -0 $shows || fail 'show did not wait for its pager'
say 'ok a pager blocks no other command'
kill $shows
wait $shows || :
exec {pager}>&-
wgxdp service deny del many 203.0.113.9 > /dev/null
{ wgxdp show flows || :; } | head -n 1 > "$work/first"
expect 'one line' "$(awk '{print $1}' "$work/first")" == SERVICE
wgxdp save | wgxdp up -c /dev/stdin | tail -n 1 > "$work/said"
expect 'save | up' "$(< "$work/said")" == 'the data path is up: nothing had to change'
expect 'flows after that' "$(count)" == $((crowd + 4))

refused 1 'no flow matches' del --client 203.0.113.9
refused 1 'no flow matches' del --ours 192.168.1.1:443
refused 1 'no such service' del --service none
refused 2 'say which flows to delete' del
refused 2 '--all cannot be used together with other options' del --all --service many
refused 2 'not an address and a port' del --ours 192.168.1.1
refused 2 'neither an address nor an address and port' del --client 192.168.1.1:
refused 2 'add: this word is unknown: write del' add
gone=198.51.100.7:4000
expect 'one client' "$(wgxdp flow del --client "${BREAK:+10.9.0.9:5000}${BREAK:-$gone}" 2>&1 | tail -n 1)" == '1 flow deleted'
expect 'it is gone' "$(count " $gone ")" == 0
expect 'all other flows' "$(count)" == $((crowd + 3))
expect 'counted' "$(metric 'wgxdp_flows_deleted_total{service="many"}') $(shown get services.many.flows)" == "1 $((crowd + 1))"
expect 'by our port' "$(wgxdp flow del --ours 192.168.1.1:20500)" == '1 flow deleted'
expect 'by service and client' "$(wgxdp flow del --service six --client 2001:db8:1::7)" == '1 flow deleted'
refused 1 'no flow matches' del --service six --client 10.9.0.1
ask 198.51.100.7:4000 198.51.100.1:$port
expect 'a client that keeps sending' "$(count " $gone ")" == 1

configuration 20000-20099 > "$work/wgxdp.yaml"
left=$(rows | grep -cE ' 192.168.1.1:200[0-9]{2} ' || :)
wgxdp up -c "$work/wgxdp.yaml" > "$work/up"
expect 'fewer ports: left' "$(count ^many)" == "$left"
expect 'all of them of these' "$(rows | grep -cE '^many .* 192.168.1.1:200[0-9]{2} ')" == "$left"
expect 'the other service' "$(count ^six)" == 1
expect 'counted' "$(metric 'wgxdp_flows{service="many"}')" == "$left"
ask 198.51.100.7:30000 198.51.100.1:444
# like an older version's, with shorter values
pins=/sys/fs/bpf/wgxdp/default
rm $pins/fragment_area
bpftool map create $pins/fragment_area type percpu_array key 4 value 64 entries 1 name fragment_area
configuration 20000-20099 3000 | wgxdp up -c - &> "$work/up" # larger maps
expect 'its values now' "$(bpftool -j map show pinned $pins/fragment_area | grep -o '"bytes_value":[0-9]*' | cut -d : -f 2)" '>' 16000
grep -q 'programs were loaded' "$work/up" || fail "nothing was loaded: $(< "$work/up")"
expect 'copied' "$(count ^brief) $(count ^many)" == "1 $left"
ended() { [[ $(count ^brief) == 0 ]]; }
wait_for $((brief + 7)) 'one that was copied ends without a packet' ended
wgxdp service del six > /dev/null
expect 'flows of a removed service' "$(count ^six) $(count '^(')" == '0 0'
# fewer ports and larger maps at once
configuration 20000-20049 3000 | sed 's/max: 2000/max: 40000/' > "$work/wgxdp.yaml"
left=$(rows | grep -cE '^many .* 192.168.1.1:200[0-4][0-9] ' || :)
wgxdp up -c "$work/wgxdp.yaml" &> "$work/up"
grep -q 'programs were loaded' "$work/up" || fail "no larger maps: $(< "$work/up")"
expect 'fewer ports and larger maps: left' "$(count ^many)" == "$left"
expect 'all of them of these' "$(rows | grep -cE '^many .* 192.168.1.1:200[0-4][0-9] ')" == "$left"
expect 'all' "$(wgxdp flow del --all)" == "$left flows deleted"
expect 'flows left' "$(count)" == 0
expect_sums
