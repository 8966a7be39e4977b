/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * DynDNS in a configuration, by the providers that this program has.
 */
#ifndef WITH_DDNS_H
#define WITH_DDNS_H

#define WITH_DDNS_EXEC \
	"ddns:\n  - interface: ens18\n    names: [ a.example.net ]\n    records: [ A ]\n    ttl: 60\n" \
	"    provider: { exec: [ /usr/local/bin/update, 'with a \"space\"' ] }\n"
#ifdef WITH_LDNS
#define WITH_DDNS_RFC2136 \
	"  - interface: ens18\n    names: [ a.example.net, example.net ]\n    host: \"::a:0:0:10\"\n" \
	"    provider: { rfc2136: { server: ns.example.net, port: 5353, zone: example.net., key-file: tsig.key } }\n"
#else
#define WITH_DDNS_RFC2136 ""
#endif
#ifdef WITH_CURL
#define WITH_DDNS_OVH \
	"  - interface: ens19\n    names: [ b.example.net ]\n    records: [ AAAA, A ]\n" \
	"    provider: { ovh: { endpoint: ovh-us, zone: example.net, credentials: /etc/wgxdp/ovh.conf } }\n" \
	"  - { interface: ens19, names: [ c.example.org ], provider: { ovh: { url: \"http://192.0.2.1/1.0/\", zone: example.org, credentials: a } } }\n"
#else
#define WITH_DDNS_OVH ""
#endif
#define WITH_DDNS WITH_DDNS_EXEC WITH_DDNS_RFC2136 WITH_DDNS_OVH
#define WITH_DDNS_SECTIONS (1 + !!*WITH_DDNS_RFC2136 + 2 * !!*WITH_DDNS_OVH)

#endif
