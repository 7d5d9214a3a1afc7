"""Tables of docs/performance.md."""


def table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def named(row):
    """Who is measured in a row, ours in bold."""
    name = f"{row['engine']} {row['precision']}"
    return f"**{name}**" if row["engine"] == "ours" else name
