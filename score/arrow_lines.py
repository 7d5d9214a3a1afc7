# Prints the rows of a Parquet or Arrow file as JSON lines:  python3 - FILE
import json
import math
import sys

try:
    import pyarrow
    import pyarrow.parquet
except ImportError:
    sys.exit("endorm: pyarrow is absent: pip install pyarrow")


def batches(path):
    with open(path, "rb") as file:
        magic = file.read(6)
    if magic[:4] == b"PAR1":
        yield from pyarrow.parquet.ParquetFile(path).iter_batches(1024)
    elif magic == b"ARROW1":
        with pyarrow.OSFile(path) as file:
            reader = pyarrow.ipc.open_file(file)
            for place in range(reader.num_record_batches):
                yield reader.get_batch(place)
    else:
        with pyarrow.OSFile(path) as file:
            yield from pyarrow.ipc.open_stream(file)


def told(value):
    """What JSON can hold. A struct has the fields of all rows' structs: those that are empty here are left out."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):  # texts as Spark and Hive write them, or what is no text
        try:
            return value.decode()
        except UnicodeDecodeError:
            return None
    if isinstance(value, dict):
        return {name: told(one) for name, one in value.items() if one is not None}
    if isinstance(value, (list, tuple)):
        return [told(one) for one in value]
    return value


sys.stdout.reconfigure(encoding="utf-8", errors="surrogatepass")
try:
    for batch in batches(sys.argv[1]):
        names = batch.schema.names
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            sys.exit(f"endorm: two columns are called {twice[0]}")
        for row in batch.to_pylist():
            sys.stdout.write(json.dumps(told(row), ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()
except BrokenPipeError:
    sys.exit(1)
except (pyarrow.ArrowException, OSError) as error:
    sys.exit(f"endorm: {error}")
