"""Pictures in prompts, by the tiny models that see: paths, bytes and pictures of Pillow are one and the same."""

import base64
import io

import pytest

import endorm


@pytest.fixture(scope="module")
def seeing(golden):
    return endorm.Engine(str(golden / "vision_idefics3.gguf"), mmproj=str(golden / "mmproj-vision_idefics3.gguf"), threads=1)


def asked(part):
    return {"prompt": [{"role": "user", "content": [part, {"type": "text", "text": "What is it?"}]}], "responses": ["A red circle.", "Two."]}


def rewards(engine, part):
    (scored,) = endorm.score(asked(part), engine=engine)
    return scored.rewards.tolist()


def test_a_picture_is_the_same_however_it_comes(seeing, golden, monkeypatch):
    path = golden / "vision_square.png"
    packed = path.read_bytes()
    expected = rewards(seeing, {"type": "image", "path": str(path)})
    assert rewards(seeing, {"type": "image", "path": path}) == expected
    assert rewards(seeing, {"type": "image", "image": packed}) == expected
    uri = "data:image/png;base64," + base64.b64encode(packed).decode()
    assert rewards(seeing, {"type": "image_url", "image_url": {"url": uri}}) == expected
    monkeypatch.chdir(golden)
    assert rewards(seeing, {"type": "image", "path": "vision_square.png"}) == expected
    assert rewards(seeing, {"type": "image", "path": "vision_wide.png"}) != expected


def test_a_picture_of_pillow(seeing, golden):
    pillow = pytest.importorskip("PIL.Image")
    packed = io.BytesIO()
    pillow.open(golden / "vision_square.png").convert("RGB").save(packed, format="PNG")
    assert rewards(seeing, {"type": "image", "image": pillow.open(golden / "vision_square.png")}) == rewards(
        seeing, {"type": "image", "image": packed.getvalue()}
    )


def test_what_is_no_picture_is_a_value_error(seeing, tiny, golden):
    for part in ({"type": "image", "path": "none.png"}, {"type": "image", "image": b"<svg/>"}):
        with pytest.raises(ValueError, match="no such file|no picture"):
            rewards(seeing, part)
    (scored,) = endorm.score(asked({"type": "image", "path": golden / "vision_square.png"}), engine=tiny)
    assert "--mmproj" in scored.responses[0].error
    with pytest.raises(ValueError, match="bytes"):
        endorm.score({"prompt": b"text", "response": "a"}, engine=tiny)
