"""One workload through all contenders: equality first, then time, the rounds of all interleaved."""

import json
import math
import statistics
import subprocess
import time

from contenders import REFERENCE, Runner
from models import Work
from page import say
from workloads import tokens_asked

GAMMA = 0.93  # of the discounted reward, EndoRM's default


def ceiling(programs, threads):
    done = subprocess.run([programs / "ceiling", "--threads", str(threads)], check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def higher(first, second):
    return {name: None if first[name] is None else max(first[name], second[name]) for name in first}


def rewards(tokens, log_probs):
    found, place = [], 0
    for prompt in tokens["prompts"]:
        for response in prompt["responses"]:
            some = log_probs[place : place + len(response)]
            found.append(math.fsum(GAMMA**i * log_prob for i, log_prob in enumerate(some)))
            place += len(response)
    return found


def errors(tokens, log_probs, reference):
    """Against f32, over the tokens of `tokens`, with which every contender's list begins."""
    gaps = [abs(a - b) for a, b in zip(log_probs, reference)]
    reward_gaps = [abs(a - b) for a, b in zip(rewards(tokens, log_probs), rewards(tokens, reference))]
    return {
        "mean_error": statistics.fmean(gaps),
        "worst_error": math.nan if any(map(math.isnan, gaps)) else max(gaps),
        "mean_reward_error": statistics.fmean(reward_gaps),
    }


class Measurement:
    """A workload's runners, from the gate to the rows."""

    def __init__(self, workload, contenders, threads, folder):
        self.workload, self.threads, self.folder = workload, threads, folder
        self.contenders = contenders
        self.work = Work(workload.model.file("bf16"))
        self.part = workload.part(workload.rivals_see)
        self.runners = {}

    def tokens_of(self, contender):
        return self.workload.tokens if contender.shares else self.part

    def file_of(self, contender):
        path = self.folder / ("workload-whole.json" if contender.shares else "workload-part.json")
        return path.resolve()

    def measure(self, rounds, end):
        """-> rows. No round begins after `end` (of time.monotonic), but for the first."""
        (self.folder / "workload-whole.json").write_text(json.dumps(self.workload.tokens))
        (self.folder / "workload-part.json").write_text(json.dumps(self.part))
        with open(self.folder / "runners.log", "a", encoding="utf-8") as log:
            try:
                rows = self.gate(log)
                first = ceiling(self.workload.model.programs, self.threads)
                times = self.interleave(rounds, end)
                peaks = higher(first, ceiling(self.workload.model.programs, self.threads))
            finally:
                for runner in self.runners.values():
                    runner.close()
        for contender, row in rows.items():
            if contender in times:
                self.fill(row, contender, times[contender], peaks)
        self.add_ratios(rows, times)
        return list(rows.values())

    def gate(self, log):
        """Starts every contender and compares it with the reference; one beyond its budget goes home untimed."""
        rows, reference = {}, None
        for contender in sorted(self.contenders, key=lambda one: one != REFERENCE):
            runner = Runner(contender, self.workload.model, self.threads, log)
            self.runners[contender] = runner
            file = self.file_of(contender)
            setting = runner.do("tune", file)["setting"]
            found = runner.do("pass", file, log_probs=True)
            reference = found["log_probs"] if reference is None else reference
            row = {"workload": self.workload.name, "engine": contender.engine, "precision": contender.precision}
            row |= {"weights": contender.weights, "setting": setting, "threads": self.threads}
            row |= errors(self.part, found["log_probs"], reference)
            mean, worst = contender.budget
            complete = len(found["log_probs"]) >= len(reference)
            row["equal"] = complete and row["mean_error"] <= mean and row["worst_error"] <= worst
            rows[contender] = row
            say(
                f"  {contender.name}: mean |delta log pi| {row['mean_error']:.2g}, worst {row['worst_error']:.2g}; {setting}"
            )
            if not row["equal"]:
                say(f"    beyond its budget of {mean:g} and {worst:g}: not timed")
                self.runners.pop(contender).close()
        return {contender: rows[contender] for contender in self.contenders}

    def interleave(self, rounds, end):
        times = {contender: [] for contender in self.runners}
        self.memory = {}
        for round_number in range(rounds):
            if round_number > 0 and time.monotonic() > end:
                say(f"  the time is up after {round_number} of {rounds} rounds")
                break
            for contender, runner in self.runners.items():
                answer = runner.do("pass", self.file_of(contender), log_probs=False)
                times[contender].append(answer["seconds"])
                self.memory[contender] = answer["peak_memory_mb"]
        return times

    def fill(self, row, contender, times, peaks):
        tokens = self.tokens_of(contender)
        asked = tokens_asked(tokens)
        gflops = self.work.flops(tokens, contender.shares) / statistics.median(times) * 1e-9
        products = self.runners[contender].products
        peak = peaks[products] or peaks["f32"]
        row["tokens_per_second"] = asked / statistics.median(times)
        row["best_tokens_per_second"] = asked / min(times)
        row["rounds"] = len(times)
        row["tokens_asked"] = asked
        row["products"] = products
        row["gflops"] = gflops
        row["ceiling_gflops"] = peak
        row["percent_of_ceiling"] = 100 * gflops / peak
        row["peak_memory_mb"] = self.memory[contender]
        if row["percent_of_ceiling"] > 100:
            say(f"  {contender.name} is above the ceiling: the ceiling was measured too low, its percents say nothing")

    def add_ratios(self, rows, times):
        """Ratios are taken round by round, where both had the same neighbours, and their median is given."""

        def ratio(contender, rival):
            mine, its = tokens_asked(self.tokens_of(contender)), tokens_asked(self.tokens_of(rival))
            return statistics.median(b / a for a, b in zip(times[contender], times[rival])) * mine / its

        rivals = [one for one in times if one.engine != "ours"]
        for contender in times:
            # Integer products are not held against exact ones where those are slower for being exact.
            row, same = rows[contender], [one for one in rivals if contender.fast or not one.fast]
            row["ratios"] = {rival.name: ratio(contender, rival) for rival in rivals if rival != contender}
            row["ratio_to_best_rival"] = min((ratio(contender, rival) for rival in same), default=None)
            for engine in ("llama.cpp", "transformers"):
                least = [ratio(contender, rival) for rival in same if rival.engine == engine]
                row[f"ratio_to_{engine.replace('.', '_')}"] = min(least, default=None)
