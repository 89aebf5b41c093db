"""A bundle is one archive of files with one form: sorted, without times and owners, so the same content is the same bytes."""

import hashlib
import io
import json
import tarfile

MANIFEST, CLAIMS, NEGATIVE, RAW = "manifest.json", "claims.json", "negative.json", "raw/"


class Broken(Exception):
    """What is there is not what it says it is."""


def digest(data):
    return hashlib.sha256(data).hexdigest()


def written(value):
    """A JSON text with one form."""
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def read_json(data, name):
    """Strict JSON: a member that stands twice, a NaN or other bytes than UTF-8 are refused."""

    def once(pairs):
        members = dict(pairs)
        if len(members) != len(pairs):
            raise Broken(f"{name}: a member stands twice")
        return members

    def refuse(word):
        raise Broken(f"{name}: {word} is no number")

    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=once, parse_constant=refuse)
    except (ValueError, UnicodeDecodeError, RecursionError) as error:
        raise Broken(f"{name}: {error}") from None


def read_lines(data, name):
    """JSON lines; the last one has its end, too."""
    if data and not data.endswith(b"\n"):
        raise Broken(f"{name}: its last line is cut off")
    return [read_json(line, f"{name}:{number}") for number, line in enumerate(data.split(b"\n")[:-1], 1)]


def pack(files):
    """The archive of files by name."""
    place = io.BytesIO()
    with tarfile.open(fileobj=place, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(files[name]), 0o644
            archive.addfile(entry, io.BytesIO(files[name]))
    return place.getvalue()


def unpack(archive):
    """The files of an archive that has the one form."""
    files = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as entries:
            for entry in entries:
                if not entry.isreg() or entry.name in files:
                    raise Broken(f"the archive: `{entry.name}` is no file of its own")
                files[entry.name] = entries.extractfile(entry).read()
    except (tarfile.TarError, ValueError, EOFError, OSError) as error:
        raise Broken(f"the archive cannot be read: {error}") from None
    if pack(files) != archive:
        raise Broken("the archive does not have the one form that its files give it")
    return files


def sealed(files, tree, artefacts, environment):
    """The files of a bundle with the manifest that names each of them."""
    listed = {name: {"bytes": len(data), "sha256": digest(data)} for name, data in files.items()}
    manifest = {"version": 1, "tree": tree, "artefacts": artefacts, "environment": environment, "files": listed}
    return {**files, MANIFEST: written(manifest)}


def check_manifest(files):
    """Fails unless the manifest names exactly the other files, and each is what it says."""
    if MANIFEST not in files:
        raise Broken("there is no manifest.json")
    manifest = read_json(files[MANIFEST], MANIFEST)
    if written(manifest) != files[MANIFEST] or not isinstance(manifest, dict):
        raise Broken("manifest.json does not have the one form of JSON")
    if set(manifest) != {"version", "tree", "artefacts", "environment", "files"} or manifest["version"] != 1:
        raise Broken("manifest.json: its members are not those of version 1")
    listed, there = manifest["files"], set(files) - {MANIFEST}
    for name in sorted(set(listed) ^ there):
        raise Broken(f"{name}: " + ("it is in the bundle, and the manifest does not name it" if name in there else "it is missing"))
    for name, facts in listed.items():
        if facts != {"bytes": len(files[name]), "sha256": digest(files[name])}:
            raise Broken(f"{name}: its bytes are not those that the manifest names")
    check_known(manifest["tree"], "tree", "tree")
    for name, artefact in manifest["artefacts"].items():
        check_known(artefact, f"artefacts: {name}", "sha256")
    for name, value in manifest["environment"].items():
        check_known(value, f"environment: {name}", "value")
    return manifest


def check_known(entry, where, member):
    """What is not known is null with a reason."""
    value = entry.get(member, "") if isinstance(entry, dict) else ""
    known, reason = value not in (None, "", 0), isinstance(entry, dict) and entry.get("reason")
    if known == bool(reason) or value in ("", 0):
        raise Broken(f"manifest.json: {where} is neither known nor null with a reason")
