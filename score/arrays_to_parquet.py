# Makes a Parquet file of the arrays of `score --top-k`, a row a response:  python3 - ARRAYS PARQUET
import ast
import json
import os
import signal
import sys
import zipfile

try:
    import pyarrow
    import pyarrow.parquet
except ImportError:
    sys.exit("endorm: pyarrow is absent: pip install pyarrow")

TYPES = {"<i4": pyarrow.int32(), "<i8": pyarrow.int64(), "<f4": pyarrow.float32(), "|u1": pyarrow.uint8()}


def array(archive, name):
    """One array of the archive, flat, and the length of its rows."""
    data = archive.read(name + ".npy")
    begin = 10 + int.from_bytes(data[8:10], "little")
    header = ast.literal_eval(data[10:begin].decode())
    kind = TYPES[header["descr"]]
    width = header["shape"][1] if len(header["shape"]) > 1 else 1
    values = pyarrow.py_buffer(memoryview(data)[begin:])
    return pyarrow.Array.from_buffers(kind, len(values) * 8 // kind.bit_width, [None, values]), width


def main(arrays, path):
    partial = path + ".partial"
    with zipfile.ZipFile(arrays) as archive:
        text = {name: bytes(array(archive, name)[0].buffers()[1]) for name in ("ids", "errors", "manifest")}
        ids = [None if one is None else str(one) for one in json.loads(text["ids"])]
        record, response, line = (array(archive, name)[0] for name in ("record", "response", "line"))
        offsets = array(archive, "offsets")[0]
        columns = {
            "id": pyarrow.array([ids[place] for place in record.to_pylist()], pyarrow.string()),
            "line": line.take(record),
            "record": record,
            "response": response,
        }
        for name in ("token_ids", "log_probs"):
            columns[name] = pyarrow.LargeListArray.from_arrays(offsets, array(archive, name)[0])
        for name in ("top_ids", "top_log_probs"):
            values, width = array(archive, name)
            columns[name] = pyarrow.LargeListArray.from_arrays(offsets, pyarrow.FixedSizeListArray.from_arrays(values, width))
    metadata = {"endorm.manifest": text["manifest"], "endorm.errors": text["errors"]}
    try:
        pyarrow.parquet.write_table(pyarrow.table(columns).replace_schema_metadata(metadata), partial, compression="zstd")
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
main(sys.argv[1], sys.argv[2])
