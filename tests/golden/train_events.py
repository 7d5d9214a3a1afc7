#!/usr/bin/env python3
"""Writes train_events.tfevents with TensorBoard's own messages and record writer, and shows what TensorBoard reads.

    python3 tests/golden/train_events.py            # needs tensorboard 2.21 (PyPI); a second
    python3 tests/golden/train_events.py --read DIR # prints each scalar that TensorBoard finds in the files of DIR

The file holds what an EventFile writes that begins at step 3: the version, the start of a session, and two steps, one
with numbers that a float rounds, one with a name that is not ASCII.
"""

import pathlib
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

HERE = pathlib.Path(__file__).resolve().parent
STEPS = [
    (3, 1700000001.25, [("loss", 2.5), ("reward/endogenous", -0.1), ("kl", 0.0)]),
    (300, 1700000002.5, [("loss", 1e-3), ("Entropie \u00e4", 123456.789)]),
]


def events():
    yield Event(wall_time=1700000000.5, file_version="brain.Event:2")
    yield Event(wall_time=1700000000.5, step=3, session_log=SessionLog(status=SessionLog.START))
    for step, wall_time, metrics in STEPS:
        values = [Summary.Value(tag=name, simple_value=value) for name, value in metrics]
        yield Event(wall_time=wall_time, step=step, summary=Summary(value=values))


def read(directory):
    found = EventAccumulator(str(directory), size_guidance={"scalars": 0})
    found.Reload()
    for tag in found.Tags()["scalars"]:
        for event in found.Scalars(tag):
            print(f"{tag}\t{event.step}\t{event.value!r}\t{event.wall_time!r}")


def main():
    if sys.argv[1:2] == ["--read"]:
        read(sys.argv[2])
        return
    with open(HERE / "train_events.tfevents", "wb") as file:
        writer = RecordWriter(file)
        for event in events():
            writer.write(event.SerializeToString())


if __name__ == "__main__":
    main()
