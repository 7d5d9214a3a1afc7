"""Run by test_without_extension.py in a fresh interpreter that cannot load the extension: without_extension.py URL IDS

IDS: JSON, [[texts], [lists of token ids that spell them]].
Prints JSON: what the clients of servers answered, and how a name that needs the extension fails.
"""

import json
import pathlib
import sys
import tempfile
import types
import warnings


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

urls = [sys.argv[1]]
texts_of, ids = json.loads(sys.argv[2])
servers = ",".join(urls)
# OpenRLHF's trainer has torch; here its tensors are lists.
sys.modules["torch"] = types.SimpleNamespace(tensor=lambda values, dtype: values, float32=None)
EndoORM.settings = {"server": servers}
said = {"file": endorm.__file__}
with ServerPool(urls) as pool:
    said["pool"] = pool.rewards([{"prompt": f"Question {i}", "responses": ["yes", f"no, {i}", ""]} for i in range(20)])
with tempfile.TemporaryDirectory() as folder, ServerPool(urls) as pool:
    path = pathlib.Path(folder) / "records"
    path.write_text('{"prompt": "Question 0", "response": "yes"}\n\n{"prompt": "Question 1", "response": "yes"}\n')
    said["lines"] = pool.rewards(path)
    path.write_text('[{"prompt": "Question 0", "response": "yes"}]')
    try:
        pool.rewards(path)
    except ValueError as error:
        said["array"] = str(error)
question = [{"role": "user", "content": "Name a colour."}]
tools = [{"role": "assistant", "content": "I look."}, {"role": "tool", "content": "blue"}, {"role": "assistant", "content": "Blue."}]
said["verl"] = compute_score("made-up", "Blue.", None, {"prompt": question}, server=urls)
said["openrlhf"] = make_reward_func(server=servers, unscored=-9.0)(["ab", "a"], ["a", "a"], [None, None])["rewards"]
said["ms_swift"] = EndoORM()(["Blue.", ""], [question, question])
texts = EndoReward(server=servers, unscored=-9.0, token_ids=False)
said["trl"] = texts([question] * 3, ["Blue.", "", tools], completion_ids=[[5], [], [5, 6]])
said["behind the prompt's turns"] = EndoReward(server=urls)([[*question, tools[0], question[0]]], [tools])
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    drawn, other = EndoReward(server=urls), EndoReward(server=urls)
    said["tokens"] = drawn([question] * 2, [texts_of[0], texts_of[1]], completion_ids=ids)
    said["no tokens of its own"] = other([question], ["Blue."], completion_ids=[[5, 6]])
said["warned"] = [str(one.message) for one in warned]
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
