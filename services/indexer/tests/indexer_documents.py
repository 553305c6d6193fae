"""Real documents, made for the tests."""

import io
import zipfile
from email.message import EmailMessage
from pathlib import Path

import docx
import reportlab
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib import pdfencrypt
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen import canvas

_FONT = str(Path(reportlab.__file__).parent / "fonts" / "Vera.ttf")
"""Has the letters of Western Europe; Pillow's own has those of English."""
KOREAN_LETTER = Path(__file__).parent / "data" / "korean_letter.png"
"""A scanned page, set in Nanum Gothic."""
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def pdf(*pages: str, password: str | None = None) -> bytes:
    """One line of text a page."""
    out = io.BytesIO()
    encryption = pdfencrypt.StandardEncryption(password) if password else None
    sheet = canvas.Canvas(out, encrypt=encryption)
    for text in pages:
        sheet.drawString(72, 700, text)
        sheet.showPage()
    sheet.save()
    return out.getvalue()


def picture(text: str) -> Image.Image:
    """Black text on a white sheet, as a scanner sees it."""
    image = Image.new("RGB", (1240, 300), "white")
    font = ImageFont.truetype(_FONT, 60) if not text.isascii() else ImageFont.load_default(60)
    ImageDraw.Draw(image).text((50, 100), text, fill="black", font=font)
    return image


def png(text: str) -> bytes:
    out = io.BytesIO()
    picture(text).save(out, "PNG")
    return out.getvalue()


def scanned_pdf(*pages: str, text_page: str | None = None) -> bytes:
    """Pages that are pictures only, after one with a text layer if asked for."""
    out = io.BytesIO()
    sheet = canvas.Canvas(out)
    if text_page is not None:
        sheet.drawString(72, 700, text_page)
        sheet.showPage()
    for text in pages:
        sheet.drawImage(ImageReader(picture(text)), 36, 600, 520, 126)
        sheet.showPage()
    sheet.save()
    return out.getvalue()


def word(*paragraphs: str) -> bytes:
    out = io.BytesIO()
    document = docx.Document()
    for text in paragraphs:
        document.add_paragraph(text)
    document.save(out)
    return out.getvalue()


def zipped(entries: dict[str, bytes | str], into: bytes | None = None) -> bytes:
    """An archive of the entries, or `into` with the entries added."""
    out = io.BytesIO(into or b"")
    with zipfile.ZipFile(out, "a" if into else "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return out.getvalue()


def word_with_body(document_xml: str) -> bytes:
    """A minimal DOCX around the given word/document.xml."""
    types = (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
    )
    return zipped({"[Content_Types].xml": types, "word/document.xml": document_xml})


def entity_bomb() -> bytes:
    """A DOCX whose text would be a billion laughs."""
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return word_with_body(
        f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY l0 "lol">{laughs}]>'
        f'<w:document xmlns:w="{WORD}"><w:body><w:p><w:r><w:t>&l9;</w:t></w:r></w:p></w:body></w:document>'
    )


def spreadsheet(cell: str) -> bytes:
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
            'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
            f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
            '<sheet name="Sheet1" sheetId="1" r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
            f'Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData><row r="1"><c r="A1" '
            f't="inlineStr"><is><t>{cell}</t></is></c></row></sheetData></worksheet>',
        }
    )


def slides(text: str) -> bytes:
    draw = "http://schemas.openxmlformats.org/drawingml/2006/main"
    show = "http://schemas.openxmlformats.org/presentationml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{package}/content-types"/>',
            "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
            f'Type="{office}/officeDocument" Target="ppt/presentation.xml"/></Relationships>',
            "ppt/presentation.xml": f'<p:presentation xmlns:p="{show}" xmlns:r="{office}"><p:sldIdLst>'
            '<p:sldId id="256" r:id="r1"/></p:sldIdLst></p:presentation>',
            "ppt/_rels/presentation.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship '
            f'Id="r1" Type="{office}/slide" Target="slides/slide1.xml"/></Relationships>',
            "ppt/slides/slide1.xml": f'<p:sld xmlns:p="{show}" xmlns:a="{draw}"><p:cSld><p:spTree><p:sp><p:txBody>'
            f"<a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp></p:spTree></p:cSld></p:sld>",
        }
    )


def open_document(text: str, manifest: str = "<manifest/>") -> bytes:
    office = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
    words = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "META-INF/manifest.xml": manifest,
            "content.xml": f'<office:document-content xmlns:office="{office}" xmlns:text="{words}"><office:body>'
            f"<office:text><text:p>{text}</text:p></office:text></office:body></office:document-content>",
        }
    )


def email(subject: str, body: str, *attachments: tuple[str, bytes]) -> bytes:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "ann@example.org", "bob@example.org"
    message.set_content(body)
    for name, data in attachments:
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()
