#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# While `wgxdp ddns` writes records by a name server or by OVH's API, no secret is in the arguments or the environment of
# any process. secrets_seen.py looks at all processes all the time, and sees each program that the helpers run. A server
# with an unknown certificate, and one without TLS, get no request. BREAK=1 puts the secrets into environments.
#
#     published:  ens18 wg-end mgmt .. ::1 -- fd53::/64 -- ::53 eth dns (knot, ovh.py)
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/ddns-said.sh"
source "$root/selftests/lib/knot.sh"
source "$root/selftests/lib/ovh.sh"

knot_network
mkdir "$work/bin" "$work/api"
cp "$build"/wgxdp{,-ddns-ovh,-ddns-rfc2136} "$work/bin"
wgxdp=$work/bin/wgxdp
# shellcheck disable=SC2016 # variables of the helpers
[[ ! ${BREAK:-} ]] || sed -i 's/| openssl /| SEEN=$secret openssl /; s/| curl /| SEEN=$secret curl /; s/| nsupdate /| SEEN=$own nsupdate /' "$work"/bin/wgxdp-ddns-*
echo 'aK7dPbZx0Qm3LtVw s3cReTs3cReTs3cReTs3cReTs3cReT00 c0nSuMeRc0nSuMeRc0nSuMeRc0nSuMeR' > "$work/api/keys"
echo '[]' > "$work/api/records"
echo ok > "$work/api/mode"
read -r application secret consumer < "$work/api/keys"
(umask 077 && printf '%s\n' "OVH_APP_KEY=$application" "OVH_APP_SECRET=$secret" "OVH_CONSUMER_KEY=$consumer" > "$work/ovh.conf")
ovh_begins dns "$name_server"
sed -n 's/^ *secret: *//p' "$work/tsig.key" > "$work/secrets"
tr ' ' '\n' < "$work/api/keys" >> "$work/secrets"
expect 'secrets' "$(wc -l < "$work/secrets")" == 4
by_api() { # URL
	sed "s|rfc2136: .*|ovh: { zone: example.net, url: \"$1\", credentials: $work/ovh.conf } }|" "$work/ddns.yaml"
}
configuration > "$work/ddns.yaml"
by_api "https://[$name_server]:8080/1.0" > "$work/api.yaml"

start wg-end "$root/selftests/lib/secrets_seen.py" "$work/secrets" > "$work/seen"
looks=$!
wait_for 5 'it looks' grep -q looks "$work/seen"
for i in 1 2 3; do
	address add "2001:db8:$i::10/64"
	ddns 0 -c "$work/ddns.yaml"
	ddns 0 -c "$work/api.yaml"
	says "AAAA 2001:db8:$i::10 written"
	address del "2001:db8:$i::10/64"
done
stop $looks
expect 'the record of OVH' "$(grep ^wg-end "$work/api/live")" == 'wg-end AAAA 2001:db8:3::10 300'
for name in wgxdp wgxdp-ddns-ovh wgxdp-ddns-rfc2136 curl openssl dig nsupdate; do
	grep -qx "ran ${name:0:15}" "$work/seen" || fail "no process $name was looked at: $(< "$work/seen")"
done
expect 'processes with a secret' "$(grep ^seen "$work/seen" | xargs)" == ''
! grep -qFf "$work/secrets" "$work/all" || fail 'a secret was said'

address add 2001:db8:4::10/64
calls() { wc -l < "$work/api/calls"; }
before=$(calls)
umount "$(realpath /etc/ssl/certs/ca-certificates.crt)"
ddns 1 -c "$work/api.yaml"
says 'certificate' fqdn=wg-end.example.net
expect 'calls with an unknown certificate' $(($(calls) - before)) == 0
by_api "http://[$name_server]:8080/1.0" > "$work/plain.yaml"
ddns 64 -c "$work/plain.yaml"
says 'does not begin with https://'
