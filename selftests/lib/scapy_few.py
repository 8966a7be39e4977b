# SPDX-License-Identifier: GPL-2.0-or-later
"""Stands in for scapy.all in the modules that are imported after this one. scapy.all takes a second, because it imports every protocol."""
import sys
from types import ModuleType

from scapy import config, packet, utils
from scapy.layers import inet, inet6, l2

few = ModuleType('scapy.all')
for module in (config, packet, utils, inet, inet6, l2):
    vars(few).update((name, value) for name, value in vars(module).items() if not name.startswith('__'))
sys.modules['scapy.all'] = few
