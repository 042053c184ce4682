"""JA4 of a ClientHello record in hexadecimal on standard input, by the technical description, from the bytes alone: the
second opinion of TestClientsFingerprint."""
import hashlib, sys

data = bytes.fromhex(sys.stdin.read().strip())
assert data[0] == 22 and data[5] == 1, "not a ClientHello record"
body = b""
while data and data[0] == 22:  # a hello may be spread over several records
    length = int.from_bytes(data[3:5], "big")
    body, data = body + data[5:5 + length], data[5 + length:]
at = 4


def take(n):
    global at
    at += n
    assert at <= len(body), "the hello ends early"
    return body[at - n:at]


def number(n): return int.from_bytes(take(n), "big")
def pairs(b): return [b[i:i + 2].hex() for i in range(0, len(b), 2)]
def sincere(l): return [v for v in l if not (v[1] == "a" and v[3] == "a" and v[0] == v[2])]
def short(s): return hashlib.sha256(s.encode()).hexdigest()[:12] if s else "0" * 12


version = take(2).hex()
take(32), take(number(1))
suites = sincere(pairs(take(number(2))))
take(number(1))
found = {}
end = at + 2 + number(2) if at < len(body) else at
while at < end:
    kind = take(2).hex()
    found[kind] = take(number(2))
extensions = sincere(list(found))
if "002b" in found:
    version = max(sincere(pairs(found["002b"][1:])))
alpn = "00"
if "0010" in found and len(found["0010"]) > 3:
    first = found["0010"][3:3 + found["0010"][2]]
    text = first.decode("latin-1")
    ok = all(c.isascii() and c.isalnum() for c in (text[0], text[-1]))
    alpn = text[0] + text[-1] if ok else first.hex()[0] + first.hex()[-1]
listed = ",".join(sorted(e for e in extensions if e not in ("0000", "0010")))
algorithms = ",".join(sincere(pairs(found["000d"][2:]))) if "000d" in found else ""
print("t%s%s%02d%02d%s_%s_%s" % (
    {"0304": "13", "0303": "12", "0302": "11", "0301": "10"}.get(version, "00"), "d" if "0000" in found else "i",
    min(len(suites), 99), min(len(extensions), 99), alpn, short(",".join(sorted(suites))),
    short(listed + "_" + algorithms if listed and algorithms else listed)))
