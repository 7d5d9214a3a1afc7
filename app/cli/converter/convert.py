"""Runs llama.cpp's converter, which lies in the folder above.

    convert.py model CHECKPOINT FILE TYPE NAME
    convert.py adapter ADAPTER FILE TYPE BASE
"""
import json
import pathlib
import runpy
import sys

import outcome

CONVERTER = pathlib.Path(__file__).resolve().parent.parent


def run(script, arguments):
    sys.argv = [script, *arguments]
    sys.path.insert(0, str(CONVERTER))
    runpy.run_path(str(CONVERTER / script), run_name="__main__")


def refuse_what_is_not_read(adapter):
    """The converter reads rank and alpha alone: an adapter that scales otherwise would come out wrong without a word."""
    settings = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    if settings.get("peft_type") != "LORA":
        raise outcome.Refused(f"it is an adapter of type {settings.get('peft_type')}; only LORA has a form in GGUF")
    unread = [name for name in ("use_rslora", "use_dora", "alpha_pattern", "lora_bias", "fan_in_fan_out",
                                "modules_to_save", "layer_replication", "target_parameters") if settings.get(name)]
    if settings.get("bias", "none") != "none":
        unread.append("bias")
    if unread:
        raise outcome.Refused(f"adapter_config.json sets {', '.join(unread)}, which the converter does not read: the "
                              "result would be another adapter. Merge it into the model (PEFT's merge_and_unload) and "
                              "convert that")


def convert(kind, source, target, type_name, other):
    arguments = [source, "--outfile", target, "--outtype", type_name]
    if kind == "adapter":
        refuse_what_is_not_read(pathlib.Path(source))
        run("convert_lora_to_gguf.py", [*arguments, "--base", other])
    else:
        run("convert_hf_to_gguf.py", [*arguments, "--model-name", other] if other else arguments)


if __name__ == "__main__":
    outcome.tell(lambda: convert(*sys.argv[1:]))
