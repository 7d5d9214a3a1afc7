"""Run by test_without_extension.py in a fresh interpreter that cannot load the extension: without_extension.py URL...

Prints JSON: what the clients of servers answered, and how a name that needs the extension fails.
"""

import json
import sys
import types


class NoExtension:
    """Stands before every other way to find a module."""

    def find_spec(self, name, path=None, target=None):
        if name == "endorm._core":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


sys.meta_path.insert(0, NoExtension())
import endorm
from endorm.integrations.ms_swift import EndoORM
from endorm.integrations.openrlhf import make_reward_func
from endorm.integrations.trl import EndoReward
from endorm.integrations.verl import compute_score
from endorm.pool import ServerPool

urls = sys.argv[1:]
servers = ",".join(urls)
# OpenRLHF's trainer has torch; here its tensors are lists.
sys.modules["torch"] = types.SimpleNamespace(tensor=lambda values, dtype: values, float32=None)
EndoORM.settings = {"model": servers}
said = {"file": endorm.__file__}
with ServerPool(urls) as pool:
    said["pool"] = pool.rewards([{"prompt": f"Question {i}", "responses": ["yes", f"no, {i}", ""]} for i in range(20)])
question = [{"role": "user", "content": "Name a colour."}]
tools = [{"role": "assistant", "content": "I look."}, {"role": "tool", "content": "blue"}, {"role": "assistant", "content": "Blue."}]
said["verl"] = compute_score("made-up", "Blue.", None, {"prompt": question}, model=servers)
said["openrlhf"] = make_reward_func(servers, unscored=-9.0)(["ab", "a"], ["a", "a"], [None, None])["rewards"]
said["ms_swift"] = EndoORM()(["Blue.", ""], [question, question])
said["trl"] = EndoReward(servers, unscored=-9.0)([question] * 3, ["Blue.", "", tools], completion_ids=[[5], [], [5, 6]])
try:
    EndoReward(servers)([[*question, tools[0], question[0]]], [tools])
except ValueError as error:
    said["of the prompt"] = str(error)
try:
    ServerPool(urls).rewards([{"prompt": "a", "response": "b"}, {"prompt": [{"content": 1}], "response": "b"}])
except endorm.InvalidInput as error:
    said["wrong"] = str(error)
try:
    endorm.Engine("smollm2-135m")
except ImportError as error:
    said["engine"] = str(error)
said["loaded"] = [name for name in sys.modules if name.startswith("endorm._core")]
print(json.dumps(said))
