"""Draws a text all over a picture, so that each copy of the picture carries it."""

import math
from pathlib import Path

import font_roboto
from PIL import Image, ImageDraw, ImageFont

MAX_CHARS = 300
_FONT = str(Path(font_roboto.font_directory) / "Roboto-Medium.ttf")
_DEGREES = 30
_DRAWN_SIDE = 900
"""For a larger picture the text is drawn in this size and enlarged: it takes as long for any picture."""
_TEXT_SHARE = 0.4
"""Width of the text as a share of the picture's diagonal, within the sizes of the font below."""
_LEAST_FONT, _MOST_FONT = 1 / 60, 1 / 24
_LEAST_PIXELS = 8
_CHAR_WIDTH = 0.55
"""Of the font's size, on average."""
_ROW_STEP = 3.5
"""Of the font's size."""
_LIGHT, _DARK = 110, 80
"""Opacity of text and outline, of 255: one of them is seen on any ground."""


def mark(picture: Image.Image, text: str) -> None:
    """Draw the text in slanted rows across the whole picture, its transparent parts included."""
    text = text[:MAX_CHARS]
    scale = min(1.0, _DRAWN_SIDE / max(picture.size))
    size = (math.ceil(picture.width * scale), math.ceil(picture.height * scale))
    diagonal = math.ceil(math.hypot(*size))
    fitting = diagonal * _TEXT_SHARE / (_CHAR_WIDTH * len(text))
    font_size = max(_LEAST_PIXELS, round(min(max(fitting, diagonal * _LEAST_FONT), diagonal * _MOST_FONT)))
    font = ImageFont.truetype(_FONT, font_size, layout_engine=ImageFont.Layout.BASIC)
    for stroke, color, opacity in ((max(1, font_size // 12), "black", _DARK), (0, "white", _LIGHT)):
        mask = _rows(text, font, diagonal, stroke, opacity).rotate(_DEGREES, Image.Resampling.BILINEAR)
        left, top = (diagonal - size[0]) // 2, (diagonal - size[1]) // 2
        mask = mask.crop((left, top, left + size[0], top + size[1]))
        picture.paste(color, mask=mask.resize(picture.size, Image.Resampling.BILINEAR))


def _rows(text: str, font: ImageFont.FreeTypeFont, side: int, stroke: int, opacity: int) -> Image.Image:
    """Return a square mask with rows of the text, every other one moved by half a text."""
    step = math.ceil(font.getlength(text) + 2 * font.size)
    once = Image.new("L", (step, math.ceil(1.5 * font.size)))
    ImageDraw.Draw(once).text((font.size, font.size // 8), text, fill=opacity, font=font, stroke_width=stroke)
    mask = Image.new("L", (side, side))
    for row in range(math.ceil(side / (_ROW_STEP * font.size))):
        for left in range(-(step // 2) * (row % 2), side, step):
            mask.paste(once, (left, round(row * _ROW_STEP * font.size)))
    return mask
