#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# timeout: 120
# With `web-config`, only clients with TLS and the right password read the metrics, among them curl and a real
# Prometheus. Prometheus' own checker accepts the file. Without the password, with a wrong one, or without TLS they
# get nothing, and only one password a second is checked. A reload takes a new password. With a wrong file the
# exporter serves nothing. BREAK=1 gives Prometheus a wrong password.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

for name in server other; do
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=wgxdp -addext subjectAltName=IP:127.0.0.1 \
		-keyout "$work/$name.key" -out "$work/$name.crt" 2> "$work/openssl" || fail "openssl: $(< "$work/openssl")"
done
# the passwords: `correct horse` and `battery staple`
# shellcheck disable=SC2016 # the dollar signs are bcrypt's
first='$2b$10$abcdefghijklmnopqrstuu23JPZtHcGhwXSF41f93o/7vBdDut3Xu' second='$2b$10$zyxwvutsrqponmlkjihgfeR6jvTjY.YOQiaLjSefQppRU3dIWeR3q'
web_config() { # HASH OF-OTHER
	printf 'tls_server_config: { cert_file: server.crt, key_file: server.key }\nbasic_auth_users: { prometheus: "%s", other: "%s" }\n' \
		"$1" "$2" > "$work/web.yml"
}
cat > "$work/wgxdp.yaml" << EOF
services:
  - { name: wg-end, listen: { interface: wan, ports: [ $port ] }, backend: { ipv4: 192.168.1.10, port: $port } }
exporter: { listen: [ "127.0.0.1:9851" ], web-config: $work/web.yml }
EOF
status() { # OPTION...: prints the HTTP status of the answer; 000: none
	inside firewall curl -s --max-time 5 --cacert "$work/server.crt" -o "$work/body" -D "$work/headers" -w '%{http_code}' "$@" || :
}
metrics=https://127.0.0.1:9851/metrics
pause() { sleep 1.1; } # until another password may be checked
reload() { kill -HUP "$daemon"; }
status_is() { [[ $(status "${@:2}") == "$1" ]]; } # STATUS OPTION...

web_config "$first" "$second"
promtool check web-config "$work/web.yml" > "$work/promtool" 2>&1 || fail "promtool: $(< "$work/promtool")"
firewall_network
start_daemon -c "$work/wgxdp.yaml"

expect 'status with the password' "$(status -u 'prometheus:correct horse' $metrics)" == 200
grep -q '^wgxdp_build_info' "$work/body" || fail "no metrics: $(< "$work/body")"
expect 'status of the API' "$(status -u 'prometheus:correct horse' https://127.0.0.1:9851/api/v1/status)" == 200
expect 'status without a password' "$(status $metrics)" == 401
grep -qi '^www-authenticate: basic' "$work/headers" || fail "no question for a password: $(< "$work/headers")"
expect 'status of the page without a password' "$(status https://127.0.0.1:9851/)" == 401
expect 'status with something else than Basic' "$(status -H 'Authorization: Bearer x' $metrics)" == 401
expect 'status with a header that is no base64' "$(status -H 'Authorization: Basic !' $metrics)" == 401
pause
expect 'status with a wrong password' "$(status -u 'prometheus:battery staple' $metrics)" == 401
expect 'status with a second one at once' "$(status -u 'prometheus:wrong' $metrics)" == 429
expect 'status with the right one meanwhile' "$(status -u 'prometheus:correct horse' $metrics)" == 200
pause
expect 'status of an unknown user' "$(status -u 'nobody:correct horse' $metrics)" == 401
pause
expect 'status of the second user' "$(status -u 'other:battery staple' $metrics)" == 200
expect 'status without TLS' "$(status -u 'prometheus:correct horse' http://127.0.0.1:9851/metrics)" == 000
expect 'status with another certificate' "$(status --cacert "$work/other.crt" -u 'prometheus:correct horse' $metrics)" == 000

# --- a real Prometheus

cat > "$work/prometheus.yml" << EOF
global: { scrape_interval: 1s }
scrape_configs:
  - job_name: wgxdp
    scheme: https
    tls_config: { ca_file: $work/server.crt }
    basic_auth: { username: prometheus, password: "correct horse${BREAK:+s}" }
    static_configs: [ { targets: [ "127.0.0.1:9851" ] } ]
EOF
mkdir "$work/data"
start firewall prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" \
	--web.listen-address=127.0.0.1:9090 > "$work/prometheus" 2>&1
prometheus=$!
is_up() { inside firewall curl -sf --data-urlencode 'query=up{job="wgxdp"} == 1' http://127.0.0.1:9090/api/v1/query | holds '"1"'; }
wait_for 10 'Prometheus scrapes' is_up
say 'ok a real Prometheus scrapes by TLS and a password'
kill $prometheus
wait $prometheus || :

# --- changes of the file

web_config "$second" "$first"
reload
wait_for 5 'the former password is refused' status_is 401 -u 'prometheus:correct horse' $metrics
pause
expect 'status with the new password' "$(status -u 'prometheus:battery staple' $metrics)" == 200
# Only a reload reads the files: someone may be about to replace a certificate and its key when an address changes
cp "$work/server.key" "$work/kept.key"
cp "$work/other.key" "$work/server.key"
inside firewall ip address add 10.9.9.9/32 dev lo
sleep 1 # the daemon needs some milliseconds
expect 'status with another key, before a reload' "$(status -u 'prometheus:battery staple' $metrics)" == 200
cp "$work/kept.key" "$work/server.key"
echo 'basic_auth_users: { prometheus: secret }' > "$work/web.yml"
inside firewall ip address add 10.9.9.10/32 dev lo
sleep 1
expect 'status with a wrong file, before a reload' "$(status -u 'prometheus:battery staple' $metrics)" == 200
reload
nothing_is_served() { status_is 000 -u 'prometheus:battery staple' $metrics && status_is 000 http://127.0.0.1:9851/metrics; }
wait_for 5 'nothing is served with a wrong file' nothing_is_served
wait_for 5 'the error in the web-config' grep -q 'web.yml:1:33: error: basic_auth_users: this is not a hash of bcrypt' "$work/daemon"
say 'ok a wrong file: nothing is served, and the daemon says why'

# With another key nothing is served. Without `web-config` the exporter serves all, although it has not read that key
web_config "$second" "$first"
cp "$work/other.key" "$work/server.key"
reload
wait_for 5 'the exporter refuses another key' grep -q 'cannot listen on 127.0.0.1:9851: Key was rejected' "$work/daemon"
sed 's/, web-config: [^ ]*//' "$work/wgxdp.yaml" > "$work/open.yaml"
wgxdp reload -c "$work/open.yaml" > /dev/null
wait_for 5 'metrics without web-config' status_is 200 http://127.0.0.1:9851/metrics
say 'ok another key: nothing is served, until web-config is removed'
end_daemon
