"""Makes the evidence bundle of the raw files in a directory.

usage: make.py DIRECTORY BUNDLE < FACTS

FACTS is one JSON object with the tree, the artefacts and the environment. The same raw files and facts make the same bytes.
"""

import json
import pathlib
import sys

import verdict
from bundle import RAW, digest, pack, sealed
from verify import PARTS, show, verify


def main():
    directory, bundle = (pathlib.Path(word) for word in sys.argv[1:])
    facts = json.load(sys.stdin)
    files = {RAW + path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    files |= verdict.entries(files, facts)
    archive = pack(sealed(files, *(facts[part] for part in PARTS)))
    _, claims, negative = verify(archive, digest(archive))
    bundle.parent.mkdir(parents=True, exist_ok=True)
    bundle.write_bytes(archive)
    pathlib.Path(f"{bundle}.sha256").write_text(f"{digest(archive)}  {bundle.name}\n", encoding="ascii")
    show(claims, negative)
    print(f"{bundle}: {len(archive):,} bytes, {len(files) + 1} files, sha256 {digest(archive)}")


if __name__ == "__main__":
    main()
