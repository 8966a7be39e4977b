#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0-or-later
# dns_forger: a name server that answers TRUE for every name, and a forger that sends answers before and after it.
#
#   dns_forger ADDRESS OTHER TRUE FORGED [right]      OTHER: the forger's own address; right: the forger guesses the id too
#
# The forged answers say FORGED, or that the name does not exist. Each has one mistake: the id, the port, the server's address or
# port, the question, or the time. After each question it prints how many forged answers of each kind it has sent.
import random
import socket
import struct
import sys

A, NXDOMAIN, ANSWER = 1, 3, 0x8580
EACH = 2000
counts = {}


def question_of(packet):
    end = packet.index(b"\0", 12) + 5
    return packet[12:end], struct.unpack_from("!H", packet, end - 4)[0]


def answer(ident, question, kind, address, ttl, rcode=0):
    rows = b"\xc0\x0c" + struct.pack("!HHIH", A, 1, ttl, 4) + socket.inet_aton(address) if kind == A and not rcode else b""
    return struct.pack("!HHHHHH", ident, ANSWER | rcode, 1, bool(rows), 0, 0) + question + rows


def bound(address, port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, port))
    return s


def main():
    address, other, true, forged = sys.argv[1:5]
    server, stranger, wrong_port = bound(address, 53), bound(other, 53), bound(address, 5353)

    def forge(what, sock, packet, to):
        try:
            sock.sendto(packet, to)
        except ConnectionRefusedError:      # an earlier answer came to a closed port
            pass
        counts[what] = counts.get(what, 0) + 1

    print("listening", flush=True)
    while True:
        try:
            packet, client = server.recvfrom(512)
        except ConnectionRefusedError:
            continue
        ident, = struct.unpack_from("!H", packet)
        question, kind = question_of(packet)
        if len(sys.argv) > 5:
            forge("right", server, answer(ident, question, kind, forged, 3600), client)
        for n in range(EACH):
            wrong = (ident + random.randrange(1, 65536)) & 0xffff
            forge("id", server, answer(wrong, question, kind, forged, 3600, NXDOMAIN * (n % 2)), client)
        for n in range(EACH // 10):
            forge("port", server, answer(ident, question, kind, forged, 3600), (client[0], 1024 + (client[1] + n) % 60000))
        forge("address", stranger, answer(ident, question, kind, forged, 3600), client)
        forge("server's port", wrong_port, answer(ident, question, kind, forged, 3600), client)
        forge("question", server, answer(ident, b"\7another" + question, kind, forged, 3600), client)
        forge("type", server, answer(ident, question[:-4] + struct.pack("!HH", 16, 1), A, forged, 3600), client)
        server.sendto(answer(ident, question, kind, true, 1), client)
        forge("time", server, answer(ident, question, kind, forged, 3600), client)
        print(*(f"{what}={n}" for what, n in counts.items()), sep=", ", flush=True)


main()
