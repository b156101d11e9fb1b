"""A small server of DNS that says what a test tells it to, by datagram and by TCP."""

import contextlib
import ipaddress
import socketserver
import struct
import threading

A, CNAME, AAAA = 1, 5, 28


class Zone:
    """Records by name and kind, and how the server behaves."""

    def __init__(self):
        self.records = {}
        self.asked = []
        # "answer", "silent", "servfail", "nxdomain", "cut" (in datagrams only) or "forged" (before the real one).
        self.mood = "answer"
        self.lock = threading.Lock()

    def say(self, name, *records):
        """Each record is (kind, ttl, value)."""
        with self.lock:
            self.records[name] = records

    def count(self, name, kind=A):
        with self.lock:
            return self.asked.count((name, kind))


def encoded(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def answers(zone, question, by_tcp):
    """The messages that are sent back."""
    number = question[:2]
    at, labels = 12, []
    while length := question[at]:
        labels.append(question[at + 1:at + 1 + length].decode().lower())
        at += 1 + length
    name, kind = ".".join(labels), struct.unpack("!H", question[at + 1:at + 3])[0]
    asked = question[12:at + 5]
    with zone.lock:
        zone.asked.append((name, kind))
        records, mood = zone.records.get(name), zone.mood

    def message(flags, found, number=number):
        body = b""
        for owner, (found_kind, ttl, value) in found:
            data = encoded(value) if found_kind == CNAME else ipaddress.ip_address(value).packed
            body += encoded(owner) + struct.pack("!HHIH", found_kind, 1, ttl, len(data)) + data
        return number + struct.pack("!HHHHH", flags, 1, len(found), 0, 0) + asked + body

    if mood == "silent":
        return []
    if mood == "servfail":
        return [message(0x8182, [])]
    if mood == "nxdomain" or records is None:
        return [message(0x8183, [])]
    if mood == "cut" and not by_tcp:
        return [message(0x8380, [])]
    found = [(name, record) for record in records if record[0] in (kind, CNAME)]
    for _, record in list(found):
        if record[0] == CNAME:
            found += [(record[2], other) for other in zone.records.get(record[2], ()) if other[0] == kind]
    real = message(0x8180, found)
    if mood == "forged":
        wrong = bytes([number[0] ^ 1, number[1]])
        return [message(0x8180, [(name, (A, 600, "192.0.2.66"))], wrong), real]
    return [real]


class Datagrams(socketserver.BaseRequestHandler):
    def handle(self):
        data, socket = self.request
        for answer in answers(self.server.zone, data, False):
            socket.sendto(answer, self.client_address)


class Streams(socketserver.BaseRequestHandler):
    def handle(self):
        length = struct.unpack("!H", self.request.recv(2, 0x100))[0]
        data = self.request.recv(length, 0x100)
        for answer in answers(self.server.zone, data, True):
            self.request.sendall(struct.pack("!H", len(answer)) + answer)


class Udp(socketserver.ThreadingUDPServer):
    daemon_threads = True


class Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def on_one_port():
    """A port that is free for both may have to be looked for."""
    while True:
        udp = Udp(("127.0.0.1", 0), Datagrams)
        try:
            return udp, Tcp(udp.server_address, Streams)
        except OSError:
            udp.server_close()


@contextlib.contextmanager
def serving(zone):
    """Serves a zone; gives the port."""
    udp, tcp = on_one_port()
    udp.zone = tcp.zone = zone
    threads = [threading.Thread(target=server.serve_forever) for server in (udp, tcp)]
    for thread in threads:
        thread.start()
    try:
        yield udp.server_address[1]
    finally:
        for server, thread in zip((udp, tcp), threads):
            server.shutdown()
            thread.join()
            server.server_close()
