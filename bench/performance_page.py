"""docs/performance.md and its plots, from the rows of one run."""

import subprocess
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

import generation  # noqa: E402
import growth  # noqa: E402
import serve_page  # noqa: E402
import targets  # noqa: E402
import verdict_agreement  # noqa: E402
from contenders import BUDGETS, CONTENDERS, OURS  # noqa: E402
from page import machine, named, say, table  # noqa: E402
from workloads import ROOT  # noqa: E402

RMBENCH = ROOT.parent / "shared/data/rmbench/chat_filtered.json"
AXES = {"length": "tokens in the text", "candidates": "candidates behind one 800-token prompt", "threads": "threads"}


def cells(row):
    error = [f"{row['mean_error']:.2g}", f"{row['mean_reward_error']:.2g}"]
    if "tokens_per_second" not in row:
        mean, worst = BUDGETS[row["precision"]]
        why = f"not timed: beyond {mean:g} in the mean or {worst:g} at worst"
        return [named(row), why, "", "", "", "", "", "", *error]

    def ratio(key):
        return "" if row["engine"] != "ours" or row[key] is None else f"{row[key]:.2f}"

    return [
        named(row),
        f"{row['tokens_per_second']:.0f}",
        f"{row['best_tokens_per_second']:.0f}",
        str(row["rounds"]),
        ratio("ratio_to_llama_cpp"),
        ratio("ratio_to_transformers"),
        f"{row['gflops']:.0f} ({row['percent_of_ceiling']:.0f} % of {row['products']})",
        f"{row['peak_memory_mb']:.0f}",
        *error,
    ]


def agreement_rows(models, arguments):
    """Every set-up of ours and llama.cpp's quantised files, verdict by verdict against f32."""
    if not RMBENCH.exists():
        say(f"RM-Bench is left out: {RMBENCH} is not there")
        return []
    endorm, model = arguments.build / "endorm", models["smollm2-135m"]()
    pairs = verdict_agreement.read_pairs(RMBENCH)
    native = ["--precision", "native"]
    say("verdicts on RM-Bench chat: f32")
    exact = verdict_agreement.reference_rewards(endorm, model.file("f32"), pairs, arguments.threads, native)
    setups = [(f"ours {one.precision}", model.file(one.weights), ["--precision", one.precision]) for one in OURS]
    setups += [(f"llama.cpp's kernels, {weights} file", model.file(weights), native) for weights in ("bf16", "q8_0", "q4_0")]
    found = []
    for name, file, flags in setups:
        say(f"verdicts on RM-Bench chat: {name}")
        scored = verdict_agreement.score(endorm, file, pairs, arguments.threads, *flags)
        found.append((name, verdict_agreement.compare(scored, exact)[0]))
    return found


def plot(curves, path):
    plt.rcParams["svg.hashsalt"] = "endorm"  # the same numbers give the same file
    figure, axes = plt.subplots(1, len(curves), figsize=(5 * len(curves), 4))
    for axis, (kind, lines) in zip(axes, curves.items()):
        for name, points in lines.items():
            style = "-" if name.startswith("ours") else "--"
            axis.plot(*zip(*points), style, marker="o", markersize=4, label=name)
        axis.set(xscale="log", yscale="log", xlabel=AXES[kind], ylabel="seconds")
        ticks = sorted({x for points in lines.values() for x, _ in points})
        axis.set_xticks(ticks, [str(x) for x in ticks])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def growth_table(curves):
    parts = []
    for kind, lines in curves.items():
        xs = [x for x, _ in next(iter(lines.values()))]
        rows = [[name, *(f"{took:.2f}" for _, took in points)] for name, points in lines.items()]
        parts.append(f"Seconds, by {AXES[kind]}:\n\n" + table(["", *map(str, xs)], rows))
    return "\n".join(parts)


def page(rows, written, agreement, curves, start):
    text = (
        "# Performance\n\nWritten by `./run bench`; every number is of one run on one machine, nothing is carried over.\n\n"
        f"Machine: {machine()}; {rows[0]['threads']} threads.\n\n"
    )
    text += (
        "A contender is timed only after its log-probabilities were found equal to those of transformers in f32, within\n"
        "the budget of its type; the rounds of all contenders are interleaved. Tokens a second count the tokens asked for,\n"
        "prompt and response of every sequence; the median of the rounds, the best, and how many (n). Ratios to the\n"
        "fastest rival of each engine are taken round by round: an integer set-up is held against all rivals, an exact one\n"
        "against exact ones. The ceiling is the measured peak of the type that is multiplied. Memory is the process's\n"
        "highest resident set. Errors are means of |delta log pi| a token and of |delta reward| (discounted), in nats.\n\n"
    )
    kept = {name.removeprefix("ours "): row["agreement"] for name, row in agreement if name.startswith("ours")}
    text += "## Targets\n\nWhat the speed is meant to be. A lost target stays here.\n\n"
    text += table(["target", "wanted", "measured", ""], [list(row) for row in targets.held(rows, written, kept)])
    heads = ["", "tokens/s", "best", "n", "x llama.cpp", "x transformers", "GFLOP/s (of the ceiling)", "MB"]
    heads += ["token error", "reward error"]
    for workload in dict.fromkeys(row["workload"] for row in rows):
        some = [row for row in rows if row["workload"] == workload]
        text += f"\n## {workload}\n\n`./run bench --only '{workload}'` measures this alone.\n\n" + table(heads, [cells(row) for row in some])
    text += "\n" + generation.section(written)
    if agreement:
        text += (
            "\n## Verdicts\n\nWhich of two responses has the higher reward, on RM-Bench chat (nine pairs a prompt): how often a\n"
            "set-up agrees with f32, and how far its rewards are off. `python3 bench/verdict_agreement.py --help` does one.\n\n"
        )
        text += table(
            ["", "agreement", "pairs", "mean drift", "worst", "accuracy", "f32"],
            [
                [name, f"{100 * r['agreement']:.1f} %", str(r["pairs"]), f"{r['mean_drift']:.3f}", f"{r['worst_drift']:.2f}",
                 f"{100 * r['accuracy']:.1f} %", f"{100 * r['reference_accuracy']:.1f} %"]
                for name, r in agreement
            ],
        )
    text += (
        "\n## Growth\n\nThe best of three rounds, SmolLM2-135M, both axes logarithmic: a straight line of slope one is linear\n"
        "growth. Rivals are timed on up to four candidates and scaled, as they compute each alone.\n\n"
        "![Seconds by length, candidates and threads](performance.svg)\n\n"
    )
    text += growth_table(curves)
    return text + "\n## Start and memory\n\n`python3 bench/start_and_memory.py ENDORM MODEL` measures this alone.\n\n" + start


def write_page(rows, written, models, arguments):
    model = models["smollm2-135m"]()
    curves = growth.curves(rows, CONTENDERS, model, arguments.threads, arguments.folder)
    agreement = agreement_rows(models, arguments)
    # A process of its own: a child's peak as the kernel tells it starts at that of the process it was forked from.
    command = [sys.executable, str(ROOT / "bench/start_and_memory.py"), str(arguments.build / "endorm"), str(model.file("bf16"))]
    start = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    plot(curves, ROOT / "docs/performance.svg")
    serving = serve_page.section_of_page()  # of bench/serve_speed.py's own run, with its machine in it
    (ROOT / "docs/performance.md").write_text(page(rows, written, agreement, curves, start))
    if serving:
        serve_page.put_into_page(serving)
    say("docs/performance.md and docs/performance.svg are written")
