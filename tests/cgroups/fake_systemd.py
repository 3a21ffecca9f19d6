#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stands for systemd on a bus: answers what linuxd asks, and writes down each call as a line of JSON.

usage: fake_systemd.py ADDRESS LOG [ROOT]

The bus is a real one (dbus-daemon), which lets no malformed message through. Units whose name has "fail" in it do not start; ROOT is the manager's own group.
"""
import json
import re
import socket
import struct
import sys

SIZES = {"y": 1, "b": 4, "u": 4, "i": 4, "t": 8, "x": 8, "d": 8, "s": 4, "o": 4, "g": 1, "a": 4, "v": 1, "(": 8, "{": 8}
FORMATS = {"y": "B", "b": "I", "u": "I", "i": "i", "t": "Q", "x": "q", "d": "d"}


def one_type(signature):
    """The first complete type, and the rest."""
    if signature[0] == "a":
        first, rest = one_type(signature[1:])
        return "a" + first, rest
    if signature[0] in "({":
        depth = 0
        for i, letter in enumerate(signature):
            depth += (letter in "({") - (letter in ")}")
            if depth == 0:
                return signature[:i + 1], signature[i + 1:]
    return signature[0], signature[1:]


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def align(self, size):
        self.at += -self.at % size

    def number(self, letter):
        size = struct.calcsize(FORMATS[letter])
        self.align(size)
        value = struct.unpack_from("<" + FORMATS[letter], self.data, self.at)[0]
        self.at += size
        return value

    def text(self, length):
        value = self.data[self.at:self.at + length].decode()
        self.at += length + 1
        return value

    def value(self, kind):
        letter = kind[0]
        if letter == "b":
            return bool(self.number("u"))
        if letter in FORMATS:
            return self.number(letter)
        if letter in "so":
            return self.text(self.number("u"))
        if letter == "g":
            return self.text(self.number("y"))
        if letter == "v":
            return self.value(self.value("g"))
        if letter == "a":
            length = self.number("u")
            self.align(SIZES[kind[1]])
            end, values = self.at + length, []
            while self.at < end:
                values.append(self.value(kind[1:]))
            return values
        self.align(8)
        return self.all(kind[1:-1])

    def all(self, signature):
        values = []
        while signature:
            kind, signature = one_type(signature)
            values.append(self.value(kind))
        return values


def put(data, kind, value):
    data += b"\0" * (-len(data) % SIZES[kind[0]])
    if kind in FORMATS:
        return data + struct.pack("<" + FORMATS[kind], value)
    if kind in "so":
        return data + struct.pack("<I", len(value)) + value.encode() + b"\0"
    if kind == "g":
        return data + bytes([len(value)]) + value.encode() + b"\0"
    raise ValueError(kind)


class Bus:
    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(address)
        self.file = self.socket.makefile("rb")
        self.serial = 0
        self.socket.sendall(b"\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n")
        while not self.file.readline().startswith(b"OK"):
            pass

    def send(self, kind, fields, signature="", values=()):
        self.serial += 1
        body = b""
        for letter, value in zip(signature, values):
            body = put(body, letter, value)
        header = b""
        for code, letter, value in [*fields] + ([(8, "g", signature)] if signature else []):
            header += b"\0" * (-len(header) % 8) + bytes([code, 1]) + letter.encode() + b"\0"
            header = put(header, letter, value)
        message = struct.pack("<4BIII", ord("l"), kind, 0, 1, len(body), self.serial, len(header)) + header
        self.socket.sendall(message + b"\0" * (-len(message) % 8) + body)

    def receive(self):
        fixed = self.file.read(16)
        if len(fixed) < 16:
            sys.exit(0)
        _, kind, _, _, body, serial, fields = struct.unpack("<4BIII", fixed)
        header = Reader(fixed + self.file.read(fields + -fields % 8))
        header.at = 16
        found = {"kind": kind, "serial": serial}
        while header.at < 16 + fields:
            header.align(8)
            code = header.value("y")
            found[code] = header.value("v")
        found["body"] = Reader(self.file.read(body)).all(found.get(8, ""))
        return found

    def call(self, member, signature, values):
        self.send(1, [(1, "o", "/org/freedesktop/DBus"), (2, "s", "org.freedesktop.DBus"), (3, "s", member), (6, "s", "org.freedesktop.DBus")], signature, values)
        serial = self.serial
        while True:
            message = self.receive()
            if message.get(5) == serial:
                return message


def main():
    bus, root = Bus(sys.argv[1]), sys.argv[3] if len(sys.argv) > 3 else ""
    log = open(sys.argv[2], "a", buffering=1)
    bus.call("Hello", "", ())
    bus.call("RequestName", "su", ("org.freedesktop.systemd1", 0))
    print("ready", flush=True)
    units, jobs = set(), 0
    while True:
        message = bus.receive()
        if message["kind"] != 1:
            continue
        member, body = message.get(3), message["body"]
        to = [(5, "u", message["serial"]), (6, "s", message[7])]
        log.write(json.dumps([member, *body]) + "\n")

        def refuse(name, text):
            bus.send(3, [(4, "s", "org.freedesktop.systemd1." + name), *to], "s", (text,))
        if member == "Get":
            # A variant of a string: one the marshaller above does not know.
            data = b"\1s\0" + b"\0" + struct.pack("<I", len(root)) + root.encode() + b"\0"
            bus.serial += 1
            header = b""
            for code, letter, value in [*to, (8, "g", "v")]:
                header += b"\0" * (-len(header) % 8) + bytes([code, 1]) + letter.encode() + b"\0"
                header = put(header, letter, value)
            reply = struct.pack("<4BIII", ord("l"), 2, 0, 1, len(data), bus.serial, len(header)) + header
            bus.socket.sendall(reply + b"\0" * (-len(reply) % 8) + data)
        elif member in ("StartTransientUnit", "StopUnit"):
            unit = body[0]
            if member == "StartTransientUnit" and unit in units:
                refuse("UnitExists", f"Unit {unit} already exists.")
                continue
            if member == "StopUnit" and unit not in units:
                refuse("NoSuchUnit", f"Unit {unit} not loaded.")
                continue
            jobs += 1
            path = f"/org/freedesktop/systemd1/job/{jobs}"
            fails = re.search("fail", unit) and member == "StartTransientUnit"
            if member == "StopUnit":
                units.discard(unit)
            elif not fails:
                units.add(unit)
            # The signal may come before the answer, and others between.
            signal = [(1, "o", "/org/freedesktop/systemd1"), (2, "s", "org.freedesktop.systemd1.Manager"), (3, "s", "JobRemoved")]
            bus.send(4, signal, "uoss", (jobs + 1000, "/org/freedesktop/systemd1/job/1001", unit, "failed"))
            end = ("uoss", (jobs, path, unit, "failed" if fails else "done"))
            if jobs % 2:
                bus.send(4, signal, *end)
            bus.send(2, to, "o", (path,))
            if not jobs % 2:
                bus.send(4, signal, *end)
        else:
            bus.send(2, to)


main()
