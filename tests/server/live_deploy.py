"""deploy/: what its files say of the server is so."""
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import urllib.request

from served import ROOT, TINY, Served

DEPLOY = ROOT / "deploy"
KEY = {"Content-Type": "application/json", "Authorization": "Bearer key"}
METRIC = re.compile(r"\b((?:endorm|process)_[a-z_]+)(?:\{([^}]*)\})?")
SERVER_LABELS = {"job", "instance"}  # that Prometheus adds


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as reply:
        return reply.status, reply.read().decode()


def samples(text):
    """{metric: the labels of one of its samples}."""
    found = {}
    for name, labels in re.findall(r"^([a-z_]+)(?:\{(.*)\})? \S+$", text, re.M):
        found[name] = set(re.findall(r'(\w+)="', labels))
    return found


def dashboard(metrics):
    """Every query names metrics that the server has, by labels that they have."""
    board = json.loads((DEPLOY / "grafana.json").read_text())
    queries = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    queries += [annotation["expr"] for annotation in board["annotations"]["list"]]
    queries += [variable["query"]["query"] for variable in board["templating"]["list"] if variable["type"] == "query"]
    variables = {variable["name"] for variable in board["templating"]["list"]} | {"__rate_interval", "__interval"}
    for query in queries:
        named = METRIC.findall(query)
        assert named, query
        for name, selected in named:
            assert name in metrics, f"{name} of {query} is not in /metrics"
            grouped = re.findall(r"by \(([^)]*)\)", query) + re.findall(r"label_values\(.*, (\w+)\)", query)
            labels = set(re.findall(r"(\w+)=~", selected)) | {label.strip() for group in grouped for label in group.split(",")}
            assert labels <= metrics[name] | SERVER_LABELS, f"{name} has no {labels - metrics[name]}: {query}"
        assert set(re.findall(r"\$(\w+)", query)) <= variables, query
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]]
    assert len(set(places)) == len(places) and len(queries) > 20
    return len(queries)


def seconds(text, pattern):
    return float(re.search(pattern, text, re.M).group(1))


def unit(endorm, folder):
    """systemd reads it, and leaves more time than --drain takes."""
    text = (DEPLOY / "endorm.service").read_text()
    drain = seconds((DEPLOY / "serve.toml").read_text(), r"^drain = (\d+)")
    assert seconds(text, r"^TimeoutStopSec=(\d+)$") > drain + 5
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        return "the unit was not read: there is no systemd-analyze"
    path = folder / "endorm.service"
    path.write_text(text.replace("/usr/local/bin/endorm", str(endorm)))
    done = subprocess.run([analyze, "verify", path], capture_output=True, text=True, timeout=60, check=False)
    own = [line for line in done.stderr.splitlines() if "endorm" in line]  # other units of the machine have faults of their own
    assert not own, done.stderr
    return "systemd-analyze has nothing to say of the unit"


def manifest(endorm, keys):
    """Its flags start a server, whose probes answer; its grace is longer than preStop and --drain."""
    try:
        import yaml
    except ImportError:
        return "the manifest was not read: there is no PyYAML"
    documents = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))
    try:
        import kubernetes_validate
        for document in documents:
            kubernetes_validate.validate(document, "1.32", strict=True)
        checked = "is of Kubernetes' schema and "
    except ImportError:
        checked = ""
    pod = next(each for each in documents if each["kind"] == "Deployment")["spec"]["template"]["spec"]
    container = pod["containers"][0]
    flags = dict(argument.split("=", 1) for argument in container["args"])
    wait = float(container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] > wait + float(flags["--drain"]) + 5
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    secret = next(volume["secret"] for volume in pod["volumes"] if volume["name"] == mounts["/etc/endorm"])
    assert secret and flags["--api-key-file"] == "/etc/endorm/keys"
    ports = {port["name"]: str(port["containerPort"]) for port in container["ports"]}
    assert ports == {"http": flags["--port"], "health": flags["--health-port"]}
    service = next(each for each in documents if each["kind"] == "Service")["spec"]
    assert service["ports"][0]["targetPort"] in ports and service["selector"].items() <= documents[0]["spec"]["template"]["metadata"]["labels"].items()
    here = {**flags, "--model": f"reward={TINY}", "--api-key-file": str(keys), "--health-port": "0"}
    del here["--port"]  # any, as of all tests
    with Served(endorm, TINY, "--threads", "1", *(f"{flag}={value}" for flag, value in here.items())) as server:
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            where = container[probe]["httpGet"]
            assert where["port"] == "health" and get(health_port(server), where["path"])[0] == 200, probe
    return f"the manifest {checked}starts a server whose probes answer"


def health_port(server):
    return int(re.search(r"health at port (\d+)", server.log_text()).group(1))


def run(endorm):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        keys = folder / "keys"
        keys.write_text("key\n")
        with Served(endorm, TINY, "--config", DEPLOY / "serve.toml", "--host", "127.0.0.1", "--health-port", "0", "--api-key-file", keys,
                    "--threads", "1") as server:
            status, reply = server.post("/v1/rewards", {"prompt": "a", "response": "b"}, KEY)
            assert status == 200, reply
            queries = dashboard(samples(get(health_port(server), "/metrics")[1]))
        print(f"deploy/: {queries} queries of the dashboard are of metrics that there are; {unit(endorm, folder)}; {manifest(endorm, keys)}")
