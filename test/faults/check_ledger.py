#!/usr/bin/env python3
"""Judges a ledger folder by the rules of its format, sharing no code with the program that wrote it.

    check_ledger.py LEDGER [--acked FILE] [--live]

Exit code 0: one unbroken chain. 1: the first bad line is named on standard output. 2: wrong use.
--acked FILE: lines "SEQ H" that somebody was told are durable; each has to be in the chain, just like that.
--live: an unfinished write at the very end is no fault (the writer was killed and has not started again).
"""

import base64
import hashlib
import json
import os
import re
import sys

KEYS = ["v", "seq", "prev", "ts", "mono", "boot", "kind", "svc", "inc", "actor", "data", "h"]
OPTIONAL = {"svc", "inc", "actor"}
MAX_LINE = 16 * 1024
MAX_ENTRIES = 65536


class Bad(Exception):
    pass


def pairs_once(pairs):
    keys = [key for key, _ in pairs]
    if len(keys) != len(set(keys)):
        raise Bad("a key stands there twice")
    return dict(pairs)


def check_line(raw, seq, prev):
    """One line without its LF, at place seq behind the hash prev. Answers the entry."""
    if len(raw) + 1 > MAX_LINE:
        raise Bad("longer than 16 KiB")
    seal = raw[-72:]
    if not re.fullmatch(rb',"h":"[0-9a-f]{64}"\}', seal):
        raise Bad("does not end with its hash")
    h = hashlib.sha256(raw[:-72]).hexdigest()
    if h != seal[6:70].decode():
        raise Bad("hash mismatch")
    if not raw.startswith(b'{"v":1,"seq":%d,"prev":"%s",' % (seq, prev.encode())):
        raise Bad("does not begin as entry %d behind %s has to" % (seq, prev[:8]))
    text = raw.decode("utf-8")  # UnicodeDecodeError is a ValueError
    if re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", text):
        raise Bad("holds a raw control character")
    entry = json.loads(text, object_pairs_hook=pairs_once)
    if list(entry) != [key for key in KEYS if key in entry]:
        raise Bad("keys out of order or unknown: %s" % list(entry))
    missing = [key for key in KEYS if key not in entry and key not in OPTIONAL]
    if missing:
        raise Bad("keys missing: %s" % missing)
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry["ts"]):
        raise Bad("ts is no time")
    if not isinstance(entry["mono"], int) or not isinstance(entry["data"], dict):
        raise Bad("mono or data has the wrong type")
    if not re.fullmatch(r"[0-9a-f]{8}", entry["boot"]):
        raise Bad("boot is not 8 hex")
    if "inc" in entry and not re.fullmatch(r".+-\d+", entry["inc"]):
        raise Bad("inc is not <svc>-<seq>")
    if "inc" in entry and int(entry["inc"].rsplit("-", 1)[1]) > seq:
        raise Bad("inc names a later entry")
    if entry["kind"] == "incident.opened" and entry["inc"] != "%s-%d" % (entry["svc"], seq):
        raise Bad("incident %s is opened by entry %d" % (entry["inc"], seq))
    if entry["kind"].startswith("incident.") and entry["data"].get("id") != entry["inc"]:
        raise Bad("data.id is not the incident's")
    if seq == 0 and entry["kind"] != "genesis":
        raise Bad("the first entry is not genesis")
    if seq > 0 and entry["kind"] == "genesis":
        raise Bad("a second genesis")
    return entry


def first_line(path):
    with open(path, "rb") as file:
        raw = file.read(MAX_LINE)
    return raw.split(b"\n", 1)[0] if b"\n" in raw else None


def check_rewind(entry, last_ts):
    if last_ts is not None and entry["ts"] < last_ts and entry["kind"] != "clock.rewound":
        raise Bad("its time is before the entry before, and no clock.rewound says so")


def check_folder(ledger, live):
    """Answers {seq: h} of the whole chain, or raises Bad with the place."""
    folder = os.path.join(ledger, "seg")
    names = sorted(name for name in os.listdir(folder) if re.fullmatch(r"\d{12}\.jsonl", name))
    if live:
        # A segment whose first line never became whole: its maker died.
        while names and first_line(os.path.join(folder, names[-1])) is None:
            names.pop()
    seq, prev, last_ts, chain, tails = 0, "0" * 64, None, {}, {}
    before = None
    for index, name in enumerate(names):
        place = "%s line " % name
        if int(name[:12]) != seq:
            raise Bad("%s1: segment begins at %d, entry %d is due" % (place, int(name[:12]), seq))
        with open(os.path.join(folder, name), "rb") as file:
            raw = file.read()
        if index + 1 < len(names):
            following = first_line(os.path.join(folder, names[index + 1]))
            try:
                says = json.loads(following)["data"]["previous"]
                raw = raw[: says["validBytes"]]
            except (TypeError, ValueError, KeyError):
                raise Bad("%s line 1: does not tell of the segment before" % names[index + 1])
        lines = raw.split(b"\n")
        rest = lines.pop()
        if rest and not (live and index + 1 == len(names)):
            raise Bad("%s%d: unfinished line" % (place, len(lines) + 1))
        if len(lines) > MAX_ENTRIES:
            raise Bad("%s%d: more than %d entries" % (place, len(lines), MAX_ENTRIES))
        for number, line in enumerate(lines, 1):
            try:
                entry = check_line(line, seq, prev)
                check_rewind(entry, last_ts)
                if number == 1 and before is not None:
                    check_opened(entry, before)
            except (Bad, ValueError) as error:
                raise Bad("%s%d: entry %d: %s" % (place, number, seq, error))
            if "tail" in entry["data"]:
                tails[seq] = entry["data"]["tail"]
            chain[seq] = prev = entry["h"]
            last_ts = entry["ts"]
            seq += 1
        before = (name[:12], raw, len(lines))
    check_mark(ledger, chain)
    check_side(ledger, tails)
    return chain


def check_opened(entry, before):
    name, raw, count = before
    if entry["kind"] != "segment.opened":
        raise Bad("a segment does not begin with segment.opened")
    wanted = {"name": name, "sha256": hashlib.sha256(raw).hexdigest(), "validBytes": len(raw), "count": count}
    if entry["data"]["previous"] != wanted:
        raise Bad("previous is %s, should be %s" % (entry["data"]["previous"], wanted))


def check_mark(ledger, chain):
    try:
        with open(os.path.join(ledger, "head")) as file:
            mark = json.load(file)
    except (FileNotFoundError, ValueError):
        return
    if mark["size"] > 0 and chain.get(mark["size"] - 1) != mark["h"]:
        raise Bad("the mark knew %d entries ending with %s" % (mark["size"], mark["h"]))


def check_side(ledger, tails):
    """Every row kept aside that claims an entry's commitment has to fit it; a row may be missing."""
    folder = os.path.join(ledger, "side")
    rows = {}
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        with open(os.path.join(folder, name), "rb") as file:
            for line in file:
                try:
                    row = json.loads(line)
                except ValueError:
                    continue
                fits = hashlib.sha256(bytes.fromhex(row["salt"]) + row["text"].encode()).hexdigest()
                rows.setdefault(row["seq"], set()).add(fits)
    for seq, tail in tails.items():
        if seq in rows and tail["sha256"] not in rows[seq]:
            raise Bad("entry %d: the text kept aside is another one" % seq)


def main(argv):
    live = "--live" in argv
    words = [word for word in argv if word != "--live"]
    acked = None
    if "--acked" in words:
        at = words.index("--acked")
        acked = words[at + 1]
        del words[at : at + 2]
    if len(words) != 1:
        print(__doc__)
        return 2
    try:
        chain = check_folder(words[0], live)
        if acked is not None:
            with open(acked) as file:
                for line in file:
                    if not line.endswith("\n"):
                        continue  # The writer died while it told us.
                    seq, h = line.split()
                    if chain.get(int(seq)) != h:
                        raise Bad("entry %s was acknowledged with %s and is %s" % (seq, h, chain.get(int(seq))))
    except Bad as error:
        print("bad: %s" % error)
        return 1
    last = len(chain) - 1
    code = base64.b32encode(bytes.fromhex(chain[last]))[:26].decode().lower() if chain else ""
    print("good: %d entries, receipt #%d·%s" % (len(chain), last, code))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
