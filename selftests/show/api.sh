#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# The daemon's HTTP API (/api/v1/) returns the output of `show --json`, byte for byte, and only to allowed clients.
# The page has headers that keep it from loading anything from elsewhere and from running any script but its own. The
# test covers the allowed clients (page: local, everywhere, off), host names and methods, and the API's errors as
# JSON. Without requests, the daemon sleeps. BREAK=1 lets a packet through between the two that are compared.
#
# The network is that of everything.sh.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/everything.sh"

ask() { inside firewall curl -s --max-time 5 -D "$work/head" -o "$work/body" -w '%{http_code}' "$@"; } # OPTION... URL
is() { # WHAT STATUS OPTION... URL
	expect "$1" "$(ask "${@:3}")" == "$2"
}
header() { sed -n "s/^$1: //Ip" "$work/head" | tr -d '\r'; } # NAME
local_url=http://127.0.0.1:9851
outer_url=http://198.51.100.1:9852
host=$(uname -n)

everything_network
everything_file
start_daemon -c /etc/wgxdp/wgxdp.yaml
everything_talks
inside client ip link set wgv-client down # no more packets should be counted
inside wg-end ip link set wgv-end down
sleep 0.2

for noun in show interfaces services peers routes sites drops flows; do
	word=$noun
	[[ $noun != show ]] || word=''
	for _ in {1..20}; do # a second may pass between the two
		# shellcheck disable=SC2086 # there is none of show
		wgxdp show $word --json > "$work/shown"
		[[ ! ${BREAK:-} ]] || inside client "$udptool" send uplink "$(mac firewall wan)" 198.51.100.7:4001 198.51.100.1:4433 > /dev/null
		api $noun > "$work/api" || fail "no answer to $noun"
		cmp -s "$work/shown" "$work/api" && break
	done
	cmp "$work/shown" "$work/api" || fail "$noun is another: $(diff "$work/shown" "$work/api")"
	/usr/bin/python3 -m json.tool "$work/api" /dev/null || fail "$noun is no JSON"
done
say 'ok all of it is what show --json prints'
expect 'a name is what it is' "$(api interfaces | /usr/bin/python3 -c 'import json, sys
print([i["name"] for i in json.load(sys.stdin)["interfaces"]][2])')" == "$hostile"
expect 'status' "$(api status | /usr/bin/python3 -c 'import json, sys
d = json.load(sys.stdin)
print(d["version"], d["instance"], d["host"], d["data_path"], *d["configuration"].values(), 0 <= d["now"] - d["started"] < 60)' |
	sed 's/ [0-9]\{10\} / SINCE /')" == "$(cat VERSION) default $host attached /etc/wgxdp/wgxdp.yaml SINCE done as in the file True"

is 'the page' 200 $local_url/
cmp user/exporter/page.html "$work/body" || fail 'the page is another'
policy=$(header Content-Security-Policy)
for what in script style; do
	sha=$(/usr/bin/python3 -c 'import base64, hashlib, re, sys
print(base64.b64encode(hashlib.sha256(re.search(b"<%b>(.*)</%b>" % ((sys.argv[1].encode(),) * 2), open(sys.argv[2], "rb").read(), re.S)[1]).digest()).decode())' \
		$what "$work/body")
	[[ $policy == *"$what-src 'sha256-$sha';"* ]] || fail "the policy has not the hash of the $what: $policy"
done
[[ $policy == "default-src 'none';"* && $policy != *unsafe* && $policy != *http* ]] || fail "policy: $policy"
expect 'the policy forbids all else' "${policy//*connect-src/}" == " 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
expect 'nosniff' "$(header X-Content-Type-Options)" == nosniff
expect 'no-store' "$(header Cache-Control)" == no-store
expect 'type' "$(header Content-Type)" == 'text/html; charset=utf-8'
expect 'addresses of others on the page' "$(grep -cE '(src|href)="?(https?:)?//|@import|url\(' user/exporter/page.html || :)" == 0
is 'its head' 200 -I $local_url/
expect 'bytes that a HEAD has said' "$(header Content-Length)" == "$(wc -c < user/exporter/page.html)"

for method in POST PUT DELETE PATCH OPTIONS; do
	is "$method" 405 -X $method $local_url/api/v1/show
done
expect 'the allowed methods' "$(header Allow)" == 'GET, HEAD'
is 'what there is not' 404 $local_url/api/v1/secrets
expect 'as JSON' "$(header Content-Type) $(/usr/bin/python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
print(d["status"], "not found" in d["error"])' "$work/body")" == 'application/json 404 True'
is 'metrics by the API' 404 $local_url/api/v1/metrics
is 'a way up' 404 --path-as-is $local_url/api/v1/../../etc/passwd
is 'metrics' 200 $local_url/metrics

# DNS rebinding: a foreign name that points to 127.0.0.1 stands in Host:
for name in evil.example.net evil.example.net:9851 127.0.0.1.evil.example.net "$host.evil.example.net" localhost.evil.example.net '[::1' '[127.0.0.1]' '::1' :9851; do
	is "asked as $name" 421 -H "Host: $name" $local_url/api/v1/status
	is "the page, as $name" 421 -H "Host: $name" $local_url/
done
is 'asked as nobody' 421 -0 -H Host: $local_url/api/v1/status
for name in localhost localhost:9851 LOCALHOST 127.0.0.1 '[::1]:9851' 198.51.100.1 "$host" "$host:9851"; do
	is "asked as $name" 200 -H "Host: $name" $local_url/api/v1/status
done

from_client() { inside client curl -s --max-time 5 -o /dev/null -w '%{http_code}' "$outer_url$1"; } # PATH
expect 'metrics, from elsewhere' "$(from_client /metrics)" == 200
is 'the page, by an address of this host' 200 $outer_url/
expect 'the page, from elsewhere' "$(from_client /) $(from_client /api/v1/show)" == '403 403'
page_is() { # WORD LOCAL ELSEWHERE: prints the result
	everything_file "page: $1"
	kill -HUP "$daemon"
	wait_for 10 "page: $1" answers_are "$2" "$3"
	say "ok page: $1: $2 from here, $3 from elsewhere"
	expect 'metrics' "$(from_client /metrics)" == 200
}
answers_are() { [[ $(ask $local_url/) == "$1" && $(from_client /) == "$2" && $(from_client /api/v1/flows) == "$2" ]]; } # LOCAL ELSEWHERE
page_is everywhere 200 200
page_is off 404 404
page_is local 200 403

# A file that has become a FIFO, whose reader would wait for ever, holds up no answer
mv /etc/wgxdp/wgxdp.yaml "$work/real.yaml"
mkfifo /etc/wgxdp/wgxdp.yaml
is 'the status, with a FIFO instead of the file' 200 $local_url/api/v1/status
expect 'the state of the file' "$(/usr/bin/python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["configuration"]["state"])' "$work/body")" == 'the file is invalid'
mv "$work/real.yaml" /etc/wgxdp/wgxdp.yaml

wakes() { awk '/^voluntary_ctxt/ {print $2}' "/proc/$daemon/status"; }
everything_file 'page: local'
sed -i '/^follow:/d; /^endpoints:/d; /^ddns:/d' /etc/wgxdp/wgxdp.yaml # these sections make the daemon look by itself
kill -HUP "$daemon"
gone() { [[ $(api peers | grep -c '"site-a"') == 0 ]]; }
wait_for 10 'the peer to be gone' gone
sleep 1
before=$(wakes)
sleep 2
expect 'wake-ups in 2 s without requests' $(($(wakes) - before)) '<=' 10
end_daemon
