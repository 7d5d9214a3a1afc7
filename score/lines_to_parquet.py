# Makes a Parquet file of JSON lines:  python3 - LINES PARQUET
import io
import json
import os
import sys

try:
    import pyarrow
    import pyarrow.json
    import pyarrow.parquet
except ImportError:
    sys.exit("endorm: pyarrow is absent: pip install pyarrow")

BYTES = 8 << 20  # of lines that are in memory at a time
MANIFEST = b'{"manifest":'


def blocks(path, texts):
    """Some lines at a time, the columns `texts` as texts."""
    with open(path, "rb") as file:
        first = file.readline()
        if not first.startswith(MANIFEST):
            file.seek(0)
        while lines := file.readlines(BYTES):
            yield b"".join(as_texts(line, texts) if texts else line for line in lines)


def as_texts(line, names):
    row = json.loads(line)
    for name in names & row.keys():
        if row[name] is not None and not isinstance(row[name], str):
            row[name] = json.dumps(row[name], ensure_ascii=False)
    return json.dumps(row, ensure_ascii=False).encode() + b"\n"


def mixed(path):
    """The columns that hold texts in one row and something else in another, which no column of Parquet does."""
    kinds = {}
    for block in blocks(path, set()):
        for line in block.splitlines():
            for name, value in json.loads(line).items():
                if value is not None:
                    number = isinstance(value, (int, float)) and not isinstance(value, bool)
                    kinds.setdefault(name, set()).add("number" if number else type(value))
    return {name for name, found in kinds.items() if len(found) > 1}


def schema_of(path, texts):
    schema = None  # of all rows: fields that the first ones lack come later
    for block in blocks(path, texts):
        found = table(block).schema
        schema = found if schema is None else pyarrow.unify_schemas([schema, found], promote_options="permissive")
    return schema


def kept_type(kind):
    """A text that reads like a date stays a text; what is null in every row has no type that all readers know."""
    if pyarrow.types.is_list(kind):
        return pyarrow.list_(kept_type(kind.value_type))
    if pyarrow.types.is_struct(kind):
        return pyarrow.struct([field.with_type(kept_type(field.type)) for field in kind])
    return pyarrow.string() if pyarrow.types.is_null(kind) or pyarrow.types.is_temporal(kind) else kind


def manifest(path):
    with open(path, "rb") as file:
        first = file.readline()
    return {"endorm.manifest": json.dumps(json.loads(first)["manifest"])} if first.startswith(MANIFEST) else None


def table(block, schema=None):
    options = pyarrow.json.ParseOptions(explicit_schema=schema, newlines_in_values=False)
    read = pyarrow.json.ReadOptions(block_size=len(block) + 1, use_threads=False)
    return pyarrow.json.read_json(io.BytesIO(block), read_options=read, parse_options=options)


def main(lines, path):
    partial = path + ".partial"
    try:
        texts = set()
        try:
            schema = schema_of(lines, texts)
        except pyarrow.ArrowException:
            texts = mixed(lines)
            schema = schema_of(lines, texts)
        if schema is None:
            sys.exit("endorm: no row, no Parquet file")
        schema = pyarrow.schema([field.with_type(kept_type(field.type)) for field in schema], manifest(lines))
        with pyarrow.parquet.ParquetWriter(partial, schema, compression="zstd") as writer:
            for block in blocks(lines, texts):
                writer.write_table(table(block, schema).cast(schema))
        with open(partial, "rb") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    except (pyarrow.ArrowException, OSError) as error:
        if os.path.exists(partial):
            os.remove(partial)
        sys.exit(f"endorm: {path} cannot be written: {error}")


main(sys.argv[1], sys.argv[2])
