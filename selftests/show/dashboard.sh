#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 300
# The dashboard and the alert rules agree with the metrics of a firewall with all features and of a blind relay. They
# are docs/grafana/wgxdp.json and docs/prometheus/alerts.yml; the blind relay is one of a pair.
# Every metric, label and value of a label that they name exists, and they name every metric. BREAK=1 leaves out the
# blind relay.
#
# The networks are those of everything.sh.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/sites.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-sites.sh"
source "${BASH_SOURCE[0]%/*}/../lib/everything.sh"

scrape() { inside "${on:-firewall}" curl -sf --max-time 5 http://127.0.0.1:9851/metrics; }

everything_network
everything_file
echo 192.0.2.0/24 > "$work/list"
sed -i "s|name: later,|name: later, deny: { file: $work/list },|" /etc/wgxdp/wgxdp.yaml
start_daemon -c /etc/wgxdp/wgxdp.yaml
everything_talks
scrape > "$work/firewall"
end_daemon
scrapes=("$work/firewall")
if [[ ! ${BREAK:-} ]]; then
	blind_everything 'pair: { address: 198.51.100.1, local: "fd00:9::1", peer: "fd00:9::2" }'
	scrape > "$work/pair"
	end_daemon
	scrapes+=("$work/pair")
fi
expect 'metrics of a firewall' "$(grep -c '^wgxdp_' "$work/firewall")" '>=' 100
said=$("$root/selftests/lib/named.py" docs/grafana/wgxdp.json docs/prometheus/alerts.yml "${scrapes[@]}" 2>&1) || fail "$said"
say "ok all are there: $said"
