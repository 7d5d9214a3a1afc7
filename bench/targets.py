"""What the speed is meant to be, held against the rows of one run. A target that is lost stays in the table."""

S512, S2048 = "SmolLM2-135M, 512 tokens", "SmolLM2-135M, 2,048 tokens"
BEST_OF = "SmolLM2-135M, best of 16 (prompt 800, responses 150)"
QWEN = "Qwen2.5-0.5B shape, 512 tokens"
EXACT_FILES, INTEGER_FILES = ("f32", "f16", "bf16"), ("q8_0", "q4_0")

# (workload, our precision, what, rivals, at least)
RATIOS = [
    (S512, "exact", "llama.cpp's best of f32, f16, bf16", [f"llama.cpp {t}" for t in EXACT_FILES], 2.0),
    (S512, "exact", "transformers' best", ["transformers f32", "transformers bf16"], 1.3),
    (S2048, "exact", "llama.cpp's best of f32, f16, bf16", [f"llama.cpp {t}" for t in EXACT_FILES], 2.2),
    (S512, "fast", "llama.cpp's best of q8_0, q4_0", [f"llama.cpp {t}" for t in INTEGER_FILES], 2.0),
    (S512, "fast", "llama.cpp's bf16", ["llama.cpp bf16"], 3.0),
    (BEST_OF, "exact", "llama.cpp's best of f32, f16, bf16", [f"llama.cpp {t}" for t in EXACT_FILES], 8.0),
    (BEST_OF, "exact", "transformers' best", ["transformers f32", "transformers bf16"], 8.0),
]
CEILING_PERCENT = 65.0
WRITING = 2.0  # times transformers' generate
AGREEMENT_PERCENT = 99.0


def verdict(measured, wanted):
    return "-" if measured is None else "met" if measured >= wanted else "lost"


def held(rows, written, agreement):
    """-> [(target, wanted, measured or None, verdict)]. `written` are the rows of generation.py, `agreement` is {precision:
    share of verdicts}."""
    found = []

    def hold(target, wanted, shown, measured, form):
        found.append((target, shown, "not measured" if measured is None else form.format(measured), verdict(measured, wanted)))

    ours = {(r["workload"], r["precision"]): r for r in rows if r["engine"] == "ours" and "ratios" in r}
    for workload, precision, what, rivals, wanted in RATIOS:
        row = ours.get((workload, precision))
        timed = [row["ratios"][rival] for rival in rivals if rival in row["ratios"]] if row else []
        hold(f"{workload}: {precision} against {what}", wanted, f"{wanted:.1f} x", min(timed, default=None), "{:.2f}")
    row = ours.get((QWEN, "exact"), {})
    hold(f"{QWEN}: exact, of the ceiling", CEILING_PERCENT, f"{CEILING_PERCENT:.0f} %", row.get("percent_of_ceiling"), "{:.0f} %")
    for row in written:
        if row["engine"] == "ours":
            target = f"{row['workload']}: {row['precision']} against transformers' generate"
            hold(target, WRITING, f"{WRITING:.1f} x", row["ratio_to_transformers"], "{:.2f}")
    kept = None if "fast" not in agreement else 100 * agreement["fast"]
    hold("RM-Bench chat: fast, verdicts as f32", AGREEMENT_PERCENT, f"{AGREEMENT_PERCENT:.0f} %", kept, "{:.1f} %")
    return found
