"""The raw files of a bundle, read strictly: one that is missing makes a figure unknown, one that is malformed makes the bundle wrong."""

import functools

from bundle import RAW, Broken, read_json, read_lines


class Unknown(Exception):
    """A figure cannot be computed, for this reason."""


@functools.lru_cache(maxsize=256)
def parsed(read, name, data):
    """A file is parsed once for all claims, and for all bundles of the self-test that have it."""
    return read(data, RAW + name)


class Raw:
    def __init__(self, files):
        self.files = {name.removeprefix(RAW): data for name, data in files.items() if name.startswith(RAW)}

    def names(self, start, end):
        return sorted(name for name in self.files if name.startswith(start) and name.endswith(end))

    def _parse(self, name, read):
        if name not in self.files:
            raise Unknown(f"there is no {RAW}{name}")
        return parsed(read, name, self.files[name])

    def json(self, name):
        value = self._parse(name, read_json)
        if not isinstance(value, dict):
            raise Broken(f"{RAW}{name}: it is no object")
        return value

    def lines(self, name):
        return self._parse(name, read_lines)

    def member(self, name, *path):
        """A member of an object in a file. One that is null is unknown; one that should be there and is not is malformed."""
        value = self.json(name)
        for member in path:
            if not isinstance(value, dict) or member not in value:
                raise Broken(f"{RAW}{name}: it has no `{'.'.join(map(str, path))}`")
            value = value[member]
        if value is None:
            raise Unknown(f"{RAW}{name} knows no {'.'.join(map(str, path))}")
        return value

    def count(self, name, *path):
        """A whole number that is not negative."""
        value = self.member(name, *path)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise Broken(f"{RAW}{name}: `{'.'.join(map(str, path))}` is no count")
        return value

    def samples(self, bench, measure, subject):
        """Every value of a measure of somebody, in the order in which they were taken."""
        name = f"samples/{bench}.jsonl"
        values = []
        for line in self.lines(name):
            if not isinstance(line, dict) or set(line) != {"bench", "measure", "subject", "unit", "value"} or line["bench"] != bench:
                raise Broken(f"{RAW}{name}: a line is no sample of `{bench}`: {line}")
            if line["measure"] == measure and line["subject"] == subject:
                value = line["value"]
                if not isinstance(value, (int, float)) or isinstance(value, bool):
                    raise Broken(f"{RAW}{name}: `{value}` of `{measure}` is no number")
                values.append(value)
        if not values:
            raise Unknown(f"{RAW}{name} has no samples of `{measure}` of {subject}")
        return values
