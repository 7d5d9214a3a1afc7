"""Draws the pictures of the vision goldens: coloured shapes on a shaded ground. Used by the scripts beside it.

Needs numpy and pillow.
"""

import numpy as np
from PIL import Image

COLOURS = {
    "red": (220, 40, 30),
    "green": (40, 170, 60),
    "blue": (40, 70, 220),
    "yellow": (235, 205, 40),
    "black": (20, 20, 20),
    "white": (245, 245, 245),
}


def ground(width, height):
    """[height, width, 3]: each channel rises in another direction, so that no two places look alike."""
    x = np.linspace(0, 1, width)[None, :]
    y = np.linspace(0, 1, height)[:, None]
    channels = np.broadcast_arrays(90 + 80 * x, 130 + 60 * y, 150 - 50 * x * y)
    return np.stack(channels, axis=2).round().astype(np.uint8)


def draw(picture, shape, colour, left, top, size):
    """Draws a circle, square or triangle in the square [left, left + size) x [top, top + size), parts of the whole."""
    height, width = picture.shape[:2]
    x = ((np.arange(width)[None, :] + 0.5) / width - left) / size
    y = ((np.arange(height)[:, None] + 0.5) / height - top) / size
    if shape == "circle":
        inside = (x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.25
    elif shape == "square":
        inside = (0 <= x) & (x < 1) & (0 <= y) & (y < 1)
    else:
        inside = (y < 1) & (abs(x - 0.5) < y / 2)
    picture[inside] = COLOURS[colour]


# name: (width, height, shapes)
PICTURES = {
    "square": (112, 112, [("circle", "red", 0.1, 0.1, 0.35), ("square", "blue", 0.55, 0.5, 0.35)]),
    "scene": (196, 140, [("triangle", "yellow", 0.05, 0.4, 0.5), ("circle", "green", 0.6, 0.1, 0.3)]),
    "wide": (224, 56, [("circle", "red", 0.1, 0.2, 0.5), ("circle", "white", 0.6, 0.3, 0.3)]),
    "tall": (61, 147, [("square", "black", 0.2, 0.1, 0.4), ("triangle", "red", 0.3, 0.6, 0.3)]),
    "uneven": (97, 83, [("triangle", "blue", 0.3, 0.2, 0.6)]),
    "pixel": (1, 1, []),
}


def make_picture(name):
    """[height, width, 3] of 8-bit RGB."""
    width, height, shapes = PICTURES[name]
    picture = ground(width, height)
    for shape in shapes:
        draw(picture, *shape)
    return picture


def write_png(path, picture):
    Image.fromarray(picture).save(path, optimize=True)
