# SPDX-License-Identifier: GPL-2.0-or-later
"""Has those names of scapy.all that the tests need. To import scapy.all takes a second, because it has every protocol."""
from scapy import config, packet, sendrecv, utils
from scapy.layers import inet, inet6, l2, sctp

for module in (config, packet, sendrecv, utils, inet, inet6, l2, sctp):
    globals().update((name, value) for name, value in vars(module).items() if not name.startswith('__'))
