# Makes a Parquet file of JSON lines:  python3 - LINES PARQUET [manifest], where the first line is a manifest
import json
import os
import signal
import sys

try:
    import pyarrow
    import pyarrow.parquet
except ImportError:
    sys.exit("endorm: pyarrow is absent: pip install pyarrow")

BYTES = 4 << 20  # of lines that are in memory at a time
EXACT = 1 << 53  # whole numbers up to it are doubles, too
PARENT = os.getppid()
TEXT = "text"  # of what has no type of Parquet's: its JSON


def rows(path, skip):
    """Lists of rows, the first `skip` lines left out."""
    with open(path, "rb") as file:
        for _ in range(skip):
            file.readline()
        while lines := file.readlines(BYTES):
            if os.getppid() != PARENT:
                sys.exit(1)  # who asked was killed
            yield [json.loads(line) for line in lines]


def kind_of(value):
    if value is None:
        return None
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int" if abs(value) <= EXACT else "large" if -(1 << 63) <= value < 1 << 63 else TEXT
    if isinstance(value, float):
        return "float"
    if isinstance(value, str):
        return "string"
    if isinstance(value, list):
        kind = None
        for element in value:
            kind = joined(kind, kind_of(element))
        return [kind]
    return {name: kind_of(one) for name, one in value.items()}


def joined(one, other):
    """The kind that holds values of both."""
    if one == other or other is None:
        return one
    if one is None:
        return other
    if isinstance(one, list) and isinstance(other, list):
        return [joined(one[0], other[0])]
    if isinstance(one, dict) and isinstance(other, dict):
        return {name: joined(one.get(name), other.get(name)) for name in {**one, **other}}
    pair = {one, other} if isinstance(one, str) and isinstance(other, str) else {TEXT}
    return "float" if pair == {"int", "float"} else "large" if pair == {"int", "large"} else TEXT


def type_of(kind):
    if isinstance(kind, list):
        return pyarrow.list_(type_of(kind[0]))
    if isinstance(kind, dict) and kind:
        return pyarrow.struct([(name, type_of(one)) for name, one in kind.items()])
    types = {"bool": pyarrow.bool_(), "int": pyarrow.int64(), "large": pyarrow.int64(), "float": pyarrow.float64()}
    return types.get(kind if isinstance(kind, str) else None, pyarrow.string())


def fitted(value, kind):
    if value is None:
        return None
    if isinstance(kind, list):
        return [fitted(element, kind[0]) for element in value]
    if isinstance(kind, dict) and kind:
        return {name: fitted(one, kind[name]) for name, one in value.items()}
    if kind == "float":
        return float(value)
    return json.dumps(value, ensure_ascii=False) if kind == TEXT or kind == {} else value


def main(lines, path, *manifest):
    partial = path + ".partial"
    kind = {}
    for block in rows(lines, len(manifest)):
        for row in block:
            kind = joined(kind, kind_of(row))
    metadata = {}
    if manifest:
        with open(lines, "rb") as file:
            metadata["endorm.manifest"] = json.dumps(json.loads(file.readline())["manifest"])
    schema = pyarrow.schema([(name, type_of(one)) for name, one in kind.items()], metadata)
    try:
        with pyarrow.parquet.ParquetWriter(partial, schema, compression="zstd") as writer:
            for block in rows(lines, len(manifest)):
                writer.write_table(pyarrow.Table.from_pylist([fitted(row, kind) for row in block], schema))
        with open(partial, "rb") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    except (pyarrow.ArrowException, OSError) as error:
        sys.exit(f"endorm: {path} cannot be written: {error}")
    finally:
        if os.path.exists(partial):
            os.remove(partial)


for stop in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(stop) != signal.SIG_IGN:
        signal.signal(stop, lambda *_: sys.exit(1))  # and what is half written goes
main(*sys.argv[1:])
