import gc
import json
import os
import pickle
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import httpx
import numpy as np
import pytest
from starlette.testclient import TestClient

from helpers.packets import unpacked
from helpers.small_run import STEPS, N, write_home, write_small_run
from phasescope import Run, views
from phasescope.views.web.serve import serving
from phasescope.views.web.server import create_app

STATIC = Path(views.__path__[0]) / "web" / "static"
OF_OTHERS = ("preact.js",)
SECRET = "nobody outside may read this"


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return write_home(tmp_path_factory.mktemp("home"), SECRET)


@pytest.fixture(scope="module")
def small(home) -> Run:
    return Run(next((home / "runs").iterdir()))


@pytest.fixture(scope="module")
def client(home):
    with TestClient(create_app(home / "runs", home / "results"), base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture(scope="module")
def address(home):
    with serving(home / "runs", home / "results") as (address, _):
        yield address


WAYS_OUT = [
    "../secret", "../secret.txt", "..", ".", "", "../../../../etc/passwd", "/etc/passwd", "//etc/passwd", "%2e%2e/secret",
    "..%2fsecret", "..%2f..%2fetc%2fpasswd", "%2e%2e%2fsecret", "..%5csecret", "..\\secret", "%252e%252e%252fsecret",
    "..%252fsecret", "....//secret", "..;/secret", "%c0%ae%c0%ae/secret", "%00", "../secret%00.css", "RUN/../../secret",
    "RUN%2f..%2f..%2fsecret", "RUN/snapshots", "RUN%2fconfig.yaml", "file:///etc/passwd", "~",
    "%7e/.ssh/id_rsa", "\u2024\u2024/secret",
    "config.yaml", "*", "CON", "a" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS_OUT)
def test_no_way_leads_out_of_the_folders(address, small, way):
    """Over a real socket, as the path is sent: a client that tidies paths up would hide the attempt."""
    asked = way.replace("RUN", quote(small.name))
    for place in (
        f"/api/runs/{asked}",
        f"/api/runs/{asked}/samples?step=0",
        f"/studies/{asked}",
        f"/static/{asked}",
        f"/{asked}",
    ):
        answer = raw(address, place)
        status = int(answer.split(b" ", 2)[1])
        assert SECRET.encode() not in answer
        assert b"root:" not in answer
        if asked not in ("", ".", "..", "~"):
            assert status in (400, 404), (place, status)


def raw(address: str, path: str) -> bytes:
    import socket

    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer


@pytest.mark.parametrize(
    "name",
    [
        *sorted(page.name for page in STATIC.iterdir() if page.suffix in (".css", ".js")),
        "palette.css",
        *OF_OTHERS,
    ],
)
def test_the_pages_files_are_there_and_load_nothing_from_elsewhere(client, name):
    answer = client.get(f"/static/{name}")
    assert answer.status_code == 200
    assert client.get(f"/static/{name}", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    if name not in OF_OTHERS:
        outside = answer.text.replace("http://www.w3.org/2000/svg", "")
        assert "://" not in outside
        assert not any(word in outside for word in ("@import", "eval(", "innerHTML", "document.write"))


def test_a_run_is_told_with_its_nulls_and_what_can_be_painted(client, small):
    told = client.get(f"/api/runs/{small.name}").json()
    assert [line["step"] for line in told["lines"]] == list(STEPS)
    (order,) = (panel for panel in told["panels"] if (panel["key"], panel["site"]) == ("probe_r2", "mid.10"))
    assert {line["name"]: line["y"][0] for line in order["lines"]}["permuted labels"] == 0.0
    assert told["latents"] == [
        {"site": f"mid.{t}", "words": f"mid, t = {t}", "projections": ["pca"]} for t in (40, 10)
    ]
    assert told["sampling"]["guidance"] is True
    assert len(told["sampling"]["training"]["labels"]) == told["sampling"]["training"]["count"] == 64
    assert all(snapshot["weights"] for snapshot in told["snapshots"])


def test_a_condensed_record_has_its_history_and_nothing_stored(client, home):
    run = write_small_run(home / "runs", seed=10)
    shutil.rmtree(run.snapshots[1].path)
    stored = client.get(f"/api/runs/{run.name}").json()["snapshots"]
    assert [one["step"] for one in stored] == list(STEPS)
    assert [one["samples"] and one["latents"] and one["weights"] for one in stored] == [True, False, True]
    shutil.rmtree(run.path / "snapshots")
    told = client.get(f"/api/runs/{run.name}").json()
    assert not any(one["samples"] or one["latents"] or one["weights"] for one in told["snapshots"])
    assert len(told["lines"]) == 3
    assert told["latents"] == []


def test_a_score_without_nulls_is_not_sent(client, home):
    run = write_small_run(home / "runs", seed=11)
    lines = run.metrics
    for entry in lines:
        del entry["probe_r2"]["mid.10"]["baselines"]
    (run.path / "metrics.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in lines))
    panels = client.get(f"/api/runs/{run.name}").json()["panels"]
    assert [panel["site"] for panel in panels if panel["key"] == "probe_r2"] == ["mid.40"]


def test_scalars_of_the_training_are_sent_evenly_thinned(client, home):
    run = write_small_run(home / "runs", seed=13)
    lines = [
        {"step": step, "images_seen": 16 * step, "loss": 1 / step, "other": 1} for step in range(1, 2001)
    ]
    (run.path / "scalars.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    known = client.get(f"/api/runs/{run.name}").json()
    assert (len(known["scalars"]), known["scalars"][0]["step"], known["scalars"][-1]["step"]) == (
        500,
        1,
        2000,
    )
    (loss,) = (panel for panel in known["panels"] if panel["key"] == "loss")
    assert (loss["over"], len(loss["lines"][0]["y"]), loss["lines"][0]["y"][-1]) == ("scalars", 500, 0.0005)


def test_samples_points_and_generated_images_travel_as_arrays(client, small):
    at = f"/api/runs/{small.name}"
    header, arrays = unpacked(client.get(f"{at}/samples?step=20").content)
    stored = small.snapshots[1].samples()
    np.testing.assert_array_equal(arrays["labels"], stored["labels"])
    assert np.abs(arrays["images"][..., 0] / 127.5 - 1 - stored["images"][:, 0]).max() < 0.005
    assert header["outcome"][:2] == ["correct", "none"]
    where = "site=mid.10&projection=pca"
    header, cloud = unpacked(client.get(f"{at}/cloud?{where}").content)
    assert header["steps"] == list(STEPS)
    assert cloud["points"].shape == (3, 64, 3)
    _, points = unpacked(client.get(f"{at}/points?{where}&step=20").content)
    assert points["points"].shape == (20, 3)
    _, one = unpacked(client.get(f"{at}/points?{where}&step=20&label=2,3").content)
    assert one["points"].shape == (1, 3)
    header, painted = unpacked(client.get(f"{at}/generate?label=2,3&sampler=ddim&steps=5&step=20").content)
    assert painted["image"].shape == (N, N, 1)


@pytest.mark.parametrize(
    ("what", "named"),
    [("generate?label=2,3&sampler=ddim", "`steps`"), ("generate?label=nan,3&sampler=ddim&steps=5", "`label`"),
     ("generate?label=2,inf&sampler=ddim&steps=5", "`label`"), ("generate?label=2,3&sampler=ddim&steps=1e3", "`steps`"),
     ("generate?label=2,3&sampler=ddim&steps=" + "9" * 40, "`steps`"),
     ("generate?label=2,3&sampler=ddim&steps=5&step=7", "`--step`"),
     ("samples", "`step`"), ("samples?step=1", "`--step`"), ("cloud?site=mid.11&projection=pca", "`site`"),
     ("cloud?site=mid.10&projection=tsne", "`projection`"), ("cloud?site=../mid.10&projection=pca", "`site`"),
     ("points?site=mid.10&projection=pca&step=3", "`step`"), 
     ("points?site=mid.10&projection=pca&step=20&label=99,1", "`x`")],
)  # fmt: skip
def test_questions_that_cannot_be_answered_are_told_why(client, small, what, named):
    answer = client.get(f"/api/runs/{small.name}/{what}")
    assert answer.status_code == 400
    assert named in answer.json()["error"]
    assert "Traceback" not in answer.text


class Trap:
    """Unpickled, it leaves a mark."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return (Path.touch, (self.mark,))


def test_no_pickle_is_loaded(client, home, tmp_path):
    run = write_small_run(home / "runs", seed=12)
    mark = tmp_path / "mark"
    pickle.loads(pickle.dumps(Trap(mark)))
    assert mark.exists(), "the trap works"
    mark.unlink()
    trap = np.array([Trap(mark)], dtype=object)
    folder = run.snapshots[-1].path
    np.savez(folder / "samples.npz", images=trap, labels=trap, split=trap)
    np.savez(folder / "latents.npz", **{"labels": trap, "latents/mid/10": trap, "latents/mid/40": trap})
    (folder / "weights.safetensors").write_bytes(pickle.dumps(Trap(mark)))
    at = f"/api/runs/{run.name}"
    for what in ("samples?step=40", "cloud?site=mid.10&projection=pca", "points?site=mid.10&projection=pca&step=40",
                 "generate?label=2,3&sampler=ddim&steps=5&step=40"):  # fmt: skip
        assert client.get(f"{at}/{what}").status_code == 400, what
    assert client.get(at).status_code == 200
    assert not mark.exists()


# numpy leaves a file that is no archive to the garbage collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_snapshot_that_is_torn_breaks_its_own_panel_only(client, home):
    run = write_small_run(home / "runs", seed=27)
    at, folder = f"/api/runs/{run.name}", run.snapshots[1].path
    for name in ("samples.npz", "latents.npz", "reading.parquet"):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])
    assert client.get(at).status_code == 200
    assert client.get(f"{at}/samples?step=20").status_code == 400
    assert client.get(f"{at}/samples?step=40").status_code == 200
    assert client.get(f"{at}/generate?label=2,3&sampler=ddim&steps=5&step=20").status_code == 200
    gc.collect()  # here, and not in a test that holds no torn file


def test_a_broken_run_is_told_as_such(client, home):
    run = write_small_run(home / "runs", seed=14)
    (run.path / "status.json").write_text("{")
    answer = client.get(f"/api/runs/{run.name}")
    assert answer.status_code == 400
    assert "broken" in answer.json()["error"]


def test_two_hundred_questions_at_once_are_all_answered(address, small):
    at = f"{address}/api/runs/{small.name}"
    questions = [
        f"{address}/api/runs", at, f"{at}/samples?step=20", f"{at}/cloud?site=mid.10&projection=pca",
        f"{at}/points?site=mid.10&projection=pca&step=40", f"{at}/generate?label=2,3&sampler=ddim&steps=5", f"{address}/",
        f"{address}/static/app.js", f"{address}/api/studies",
        f"{at}/generate?label=4.5,3&sampler=dpm_solver&steps=8&step=20",
    ]  # fmt: skip
    limits = httpx.Limits(max_connections=200)
    with httpx.Client(timeout=120, limits=limits) as visitor, ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(visitor.get, questions * 20))
    assert [answer.status_code for answer in answers] == [200] * 200
    for first, same in zip(answers[:10], answers[-10:], strict=True):
        if "/api/runs?" not in str(first.url) and not str(first.url).endswith("/api/runs"):
            assert first.content == same.content


def test_a_folder_that_is_not_there_yet_is_empty(tmp_path):
    with TestClient(
        create_app(tmp_path / "runs", tmp_path / "results"), base_url="http://127.0.0.1"
    ) as client:
        assert client.get("/api/runs").json()["rows"] == []
        assert client.get("/api/studies").json() == []
        assert client.get("/api/runs/none").status_code == 404


@pytest.mark.slow
def test_the_server_starts_without_torch_and_pandas(tmp_path):
    code = f"""
import sys
from pathlib import Path
from starlette.testclient import TestClient
from phasescope.views.web.server import create_app
with TestClient(create_app(Path({str(tmp_path)!r}), Path({str(tmp_path)!r})), base_url="http://127.0.0.1") as client:
    for path in ("/", "/static/palette.css", "/static/app.js", "/api/runs", "/api/studies"):
        assert client.get(path).status_code == 200
print([name for name in ("torch", "pandas", "sklearn", "umap", "duckdb", "scipy.stats") if name in sys.modules])
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_it_is_the_loopback_that_is_bound(address):
    port = int(address.rpartition(":")[2])
    table = Path("/proc/net/tcp")
    if not table.exists() or os.name != "posix":
        pytest.skip("no table of sockets here")
    bound = [line.split()[1] for line in table.read_text().splitlines()[1:] if line.split()[3] == "0A"]
    assert [entry for entry in bound if int(entry.split(":")[1], 16) == port] == [f"0100007F:{port:04X}"]


def test_a_page_is_sent_the_rows_that_changed_since_it_asked(client, home):
    first = client.get("/api/runs").json()
    run = write_small_run(home / "runs", seed=15)
    answer: dict = {"rows": []}
    while run.name not in {
        row["name"] for row in answer["rows"]
    }:  # no look may come sooner than some time after the last
        answer = client.get(f"/api/runs?since={first['version']}").json()
    assert answer["version"] > first["version"]
    assert answer["session"] == first["session"]
    assert client.get(f"/api/runs?since={answer['version']}").json()["rows"] == []
