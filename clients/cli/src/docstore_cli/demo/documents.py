"""Generates the demo's documents: a PDF, a Word document and a scanned page."""

import io
import random
from collections.abc import Callable
from dataclasses import dataclass

from docx import Document
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

REPORT = (
    "Harbour Authority, quarterly report",
    "The lighthouse on the northern mole was repainted in April.",
    "Traffic rose by seven percent; the new container crane works around the clock.",
    "The tide gauge recorded its highest level since the records began.",
)
MINUTES = (
    "Minutes of the budget meeting",
    "Ada proposed to replace the old signal horns before winter.",
    "The council granted forty thousand for the restoration of the fish market.",
    "Next meeting: second Tuesday of the month, in the custom house.",
)
RECEIPT = (
    "Chandlery  of  the  old  port",
    "Receipt  no.  4711",
    "2  brass  lanterns     158.00",
    "1  anchor  chain       412.50",
)


@dataclass(frozen=True, slots=True)
class DemoDocument:
    """A document, its path, and a word that only a full-text search finds."""

    path: str
    content_type: str
    make: Callable[[], bytes]
    word: str


def make_pdf() -> bytes:
    """A one-page PDF with a text layer."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4)
    for number, line in enumerate(REPORT):
        canvas.setFont("Helvetica-Bold" if number == 0 else "Helvetica", 18 if number == 0 else 12)
        canvas.drawString(72, 760 - 28 * number, line)
    canvas.save()
    return buffer.getvalue()


def make_docx() -> bytes:
    """A Word document with a heading and paragraphs."""
    document = Document()
    document.add_heading(MINUTES[0], level=1)
    for line in MINUTES[1:]:
        document.add_paragraph(line)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def make_scan() -> bytes:
    """A photographed receipt as PNG: slightly turned, blurred and speckled, so that only OCR can read it."""
    page = Image.new("L", (1100, 700), 250)
    draw = ImageDraw.Draw(page)
    for number, line in enumerate(RECEIPT):
        draw.text((110, 100 + 120 * number), line, fill=25, font=ImageFont.load_default(size=48))
    page = page.rotate(0.8, fillcolor=250).filter(ImageFilter.GaussianBlur(0.7))
    grain = random.Random(4711)
    for _ in range(2_000):
        page.putpixel((grain.randrange(page.width), grain.randrange(page.height)), grain.randrange(150, 230))
    buffer = io.BytesIO()
    page.save(buffer, "PNG")
    return buffer.getvalue()


DOCUMENTS = (
    DemoDocument("/reports/harbour-2026-q1.pdf", "application/pdf", make_pdf, "lighthouse"),
    DemoDocument("/meetings/budget-minutes.docx", DOCX, make_docx, "restoration"),
    DemoDocument("/receipts/scan-4711.png", "image/png", make_scan, "chandlery"),
)
