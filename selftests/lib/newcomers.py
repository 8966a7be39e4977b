#!/usr/bin/python3 -I
# SPDX-License-Identifier: GPL-2.0-or-later
"""newcomers: new clients all the time, and a backend that answers each packet twice: at once and 50 ms later.

  newcomers.py listen ADDRESS PORT               the backend: each answer names the address and port that the packet came from
  newcomers.py ask FROM TO PORT RATE SECONDS     RATE new sockets a second; each sends at once and 20, 100 and 400 ms later

A client waits ten seconds at most for its answers. `ask` ends with "clients N sent N answers N moved N ended N".
moved: clients that the backend saw under more than one address and port. ended: clients that wait no more.
"""
import asyncio
import socket
import sys

LATER = 0.05
SENDS = (0, 0.02, 0.1, 0.4)
PATIENCE, EXTRA = 10, 0.5  # seconds for the answers, and after the last one for one too many


class Backend(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        answer = f"{addr[0]} {addr[1]}".encode()
        self.transport.sendto(answer, addr)
        asyncio.get_running_loop().call_later(LATER, self.transport.sendto, answer, addr)


class Client(asyncio.DatagramProtocol):
    def __init__(self, totals):
        self.totals, self.seen, self.missing = totals, set(), 2 * len(SENDS)

    def connection_made(self, transport):
        self.transport = transport
        self.totals["clients"] += 1
        for after in SENDS:
            asyncio.get_running_loop().call_later(after, self.send, transport)
        asyncio.get_running_loop().call_later(SENDS[-1] + PATIENCE, transport.close)

    def send(self, transport):
        transport.sendto(b"x" * 32)
        self.totals["sent"] += 1

    def datagram_received(self, data, addr):
        self.totals["answers"] += 1
        self.seen.add(data)
        self.missing -= 1
        if not self.missing:
            asyncio.get_running_loop().call_later(EXTRA, self.transport.close)

    def connection_lost(self, error):
        self.totals["moved"] += len(self.seen) > 1
        self.totals["ended"] += 1


async def listen(address, port):
    loop = asyncio.get_running_loop()
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE
    s.bind((address, int(port)))
    await loop.create_datagram_endpoint(Backend, sock=s)
    print("listening", flush=True)
    await asyncio.Event().wait()


async def ask(source, to, port, rate, seconds):
    loop = asyncio.get_running_loop()
    totals = dict.fromkeys(("clients", "sent", "answers", "moved", "ended"), 0)
    begin, n = loop.time(), int(rate) * int(seconds)
    for i in range(n):
        await asyncio.sleep(begin + i / int(rate) - loop.time())
        await loop.create_datagram_endpoint(lambda: Client(totals), local_addr=(source, 0), remote_addr=(to, int(port)))
    while totals["ended"] < n:
        await asyncio.sleep(0.1)
    print(*(f"{name} {value}" for name, value in totals.items()))


asyncio.run({"listen": listen, "ask": ask}[sys.argv[1]](*sys.argv[2:]))
