"""What libmtmd makes of a picture and of a prompt, written again from its behaviour. Used by vision_models.py.

Resampling is Pillow's own on both sides (Lanczos, bicubic, bilinear, with its antialiasing, in whole numbers). What differs
from transformers' processors:
  Idefics3    nothing, while the picture is cut into two tiles or more. One that fits a single tile is given as that tile and
              again as the whole, where transformers gives the whole alone; one whose shorter side becomes 0 is refused.
  Qwen2.5-VL  8 to 4096 tokens, whatever the model's own limits are; sides round half up, Python's to the even number; the
              rest that rounding leaves is filled with black, where transformers stretches the picture.
  Gemma 3     the picture keeps its form on black, where transformers stretches it to a square. The empty lines that
              transformers puts around it are not libmtmd's to write: its caller must, and they stand here.
  InternVL    of the possible grids of tiles takes the one that keeps most of the picture, then the one that wastes least;
              black instead of stretching in the tiles; the whole picture is given behind a single tile as well. Not of the
              picture: the tower's position embeddings are added to the patches from the first on and the last of them to
              the class token, where transformers has the class token first.
vision_models.py runs transformers' model on these pictures and tokens as well, so that everything that follows them can be
held against it. Needs numpy, pillow and torch.
"""

import math

import numpy as np
import torch
from PIL import Image

QWEN_SIDE = 28  # pixels of a merged patch
QWEN_TOKENS = (8, 4096)  # the limits of libmtmd, whatever the model's preprocessor_config.json says


def letterboxed(picture, width, height, filter):
    """The picture scaled into width x height without changing its form, in the middle, on black."""
    if picture.size == (width, height):
        return picture
    scale = min(np.float32(width) / np.float32(picture.width), np.float32(height) / np.float32(picture.height))
    inner = [
        min(int(math.ceil(np.float32(side) * scale)), target) for side, target in zip(picture.size, (width, height))
    ]
    whole = Image.new("RGB", (width, height))
    whole.paste(picture.resize(inner, filter), ((width - inner[0]) // 2, (height - inner[1]) // 2))
    return whole


def qwen_size(width, height):
    """-> width, height in whole merged patches. Halves are rounded up, where Python's round takes the even number."""
    fewest, most = (tokens * QWEN_SIDE**2 for tokens in QWEN_TOKENS)
    sides = [max(QWEN_SIDE, math.floor(side / QWEN_SIDE + 0.5) * QWEN_SIDE) for side in (width, height)]
    if sides[0] * sides[1] > most:
        factor = math.sqrt(width * height / most)
        return [max(QWEN_SIDE, math.floor(side / factor / QWEN_SIDE) * QWEN_SIDE) for side in (width, height)]
    if sides[0] * sides[1] < fewest:
        factor = math.sqrt(fewest / (width * height))
        return [math.ceil(side * factor / QWEN_SIDE) * QWEN_SIDE for side in (width, height)]
    return sides


def internvl_tiles(picture, tile=56, most=4):
    """-> the tiles, row by row, and the whole."""
    whole = picture.resize((tile, tile), Image.Resampling.BICUBIC)
    if max(picture.size) <= tile:
        return [whole]
    grids = [(columns, rows) for columns in range(1, most + 1) for rows in range(1, most // columns + 1)]

    def merit(grid):
        width, height = (tile * count for count in grid)
        scale = min(np.float32(width) / np.float32(picture.width), np.float32(height) / np.float32(picture.height))
        kept = min(int(picture.width * scale) * int(picture.height * scale), picture.width * picture.height)
        return kept, kept - width * height

    columns, rows = max(grids, key=merit)  # the first of equals
    canvas = letterboxed(picture, columns * tile, rows * tile, Image.Resampling.BICUBIC)
    corners = [(column * tile, row * tile) for row in range(rows) for column in range(columns)]
    return [canvas.crop((x, y, x + tile, y + tile)) for x, y in corners] + [whole]


def prepared(family, picture):
    """-> the pictures, mostly one, that transformers' processor takes over without resizing (Idefics3: resizes alike)."""
    if family == "qwen25vl":
        return [letterboxed(picture, *qwen_size(*picture.size), Image.Resampling.BICUBIC)]
    if family == "gemma3":
        return [letterboxed(picture, 112, 112, Image.Resampling.BILINEAR)]
    if family == "internvl":
        return internvl_tiles(picture)
    return [picture]


def prompt_text(family, text):
    """The prompt as transformers' processor expanded it for the prepared pictures -> that of libmtmd."""
    return text.replace("</img><img>", "") if family == "internvl" else text  # each tile was a picture


def prepared_model(family, model):
    if family == "internvl":
        positions = model.model.vision_tower.embeddings.position_embeddings
        with torch.no_grad():
            positions.copy_(torch.roll(positions, 1, dims=1))
    return model
