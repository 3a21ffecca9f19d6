# SPDX-License-Identifier: Apache-2.0
"""Computes: dictionaries, strings, objects, sorting, large numbers. Prints the nanoseconds it took."""
import json
import re
import time


class Node:
    def __init__(self, key, left, right):
        self.key, self.left, self.right = key, left, right

    def total(self):
        return self.key + (self.left.total() if self.left else 0) + (self.right.total() if self.right else 0)


def tree(depth):
    return Node(depth, tree(depth - 1), tree(depth - 1)) if depth else None


def once(number):
    words = {}
    for i in range(60000):
        words.setdefault(f"word{i * 7919 % 5000}", []).append(i)
    text = json.dumps(words)
    found = sum(int(n) for n in re.findall(r"word(\d+)", text))
    ordered = sorted(words.items(), key=lambda item: (-len(item[1]), item[0]))
    sieve = bytearray([1]) * 200000
    for i in range(2, 450):
        if sieve[i]:
            sieve[i * i::i] = bytes(len(range(i * i, 200000, i)))
    return found + len(ordered) + sum(sieve) + tree(14).total() + len(str(3 ** (8000 + number)))


start = time.monotonic_ns()
assert sum(once(number) for number in range(10)) > 0
print(time.monotonic_ns() - start)
