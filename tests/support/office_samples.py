"""Office documents, made for the tests: the least that their formats ask for."""

import io
import zipfile
from pathlib import Path

from docx import Document

_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
_MAIN = "application/vnd.openxmlformats-officedocument"
_ODF = "urn:oasis:names:tc:opendocument:xmlns"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def zipped(parts: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return out.getvalue()


def _related(*targets: tuple[str, str]) -> str:
    links = "".join(
        f'<Relationship Id="r{number}" Type="{_OFFICE}/relationships/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>'


def _types(parts: dict[str, str]) -> str:
    named = "".join(f'<Override PartName="/{name}" ContentType="{_MAIN}.{kind}+xml"/>' for name, kind in parts.items())
    usual = "".join(
        f'<Default Extension="{ending}" ContentType="{kind}"/>'
        for ending, kind in (("rels", "application/vnd.openxmlformats-package.relationships+xml"), ("xml", "text/xml"))
    )
    return f'<Types xmlns="{_PACKAGE}/content-types">{usual}{named}</Types>'


def docx(pages: int = 2) -> bytes:
    made = Document()
    for page in range(1, pages + 1):
        made.add_heading(f"Page {page}")
        made.add_paragraph("Lorem ipsum dolor sit amet. " * 20)
        if page < pages:
            made.add_page_break()
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def raw_docx(body: str, *, before: str = "") -> bytes:
    """A text document of this XML."""
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    parts = {
        "[Content_Types].xml": _types({"word/document.xml": "wordprocessingml.document.main"}),
        "_rels/.rels": _related(("officeDocument", "word/document.xml")),
        "word/document.xml": f'<?xml version="1.0"?>{before}<w:document {space}><w:body>{body}</w:body></w:document>',
    }
    return zipped(parts)


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def xlsx() -> bytes:
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    cells = "".join(f"<row><c><v>{number}</v></c></row>" for number in range(20))
    return zipped(
        {
            "[Content_Types].xml": _types(
                {"xl/workbook.xml": "spreadsheetml.sheet.main", "xl/sheet.xml": "spreadsheetml.worksheet"}
            ),
            "_rels/.rels": _related(("officeDocument", "xl/workbook.xml")),
            "xl/_rels/workbook.xml.rels": _related(("worksheet", "sheet.xml")),
            "xl/workbook.xml": f'<workbook xmlns="{space}" xmlns:r="{_OFFICE}/relationships"><sheets>'
            '<sheet name="One" sheetId="1" r:id="r0"/></sheets></workbook>',
            "xl/sheet.xml": f'<worksheet xmlns="{space}"><sheetData>{cells}</sheetData></worksheet>',
        }
    )


def odf(kind: str, body: str) -> bytes:
    """A document of OpenDocument: `text`, `spreadsheet` or `presentation`."""
    spaces = " ".join(f'xmlns:{name}="{_ODF}:{name}:1.0"' for name in ("office", "text", "table"))
    spaces += f' xmlns:draw="{_ODF}:drawing:1.0" xmlns:svg="{_ODF}:svg-compatible:1.0"'
    media_type = f"application/vnd.oasis.opendocument.{kind}"
    return zipped(
        {
            "mimetype": media_type,
            "META-INF/manifest.xml": f'<manifest:manifest xmlns:manifest="{_ODF}:manifest:1.0">'
            f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{media_type}"/>'
            '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
            "</manifest:manifest>",
            "content.xml": f'<office:document-content {spaces} office:version="1.2"><office:body>'
            f"<office:{kind}>{body}</office:{kind}></office:body></office:document-content>",
        }
    )


ODT = odf("text", "<text:p>Hello</text:p>")
ODS = odf(
    "spreadsheet",
    '<table:table table:name="One"><table:table-row><table:table-cell><text:p>Hello</text:p></table:table-cell>'
    "</table:table-row></table:table>",
)
ODP = odf(
    "presentation",
    '<draw:page draw:name="One"><draw:frame svg:width="10cm" svg:height="3cm"><draw:text-box><text:p>Hello</text:p>'
    "</draw:text-box></draw:frame></draw:page>",
)
_FILES = Path(__file__).parent / "office_files"
WORD_97 = (_FILES / "word97.doc").read_bytes()
POWERPOINT_97 = (_FILES / "powerpoint97.ppt").read_bytes()
"""Its text: Test OLE file, saved as Word 97-2003 Document."""
EXCEL_97 = (_FILES / "excel97.xls").read_bytes()
"""Sheets Costs (Rent 1200, Größe 2.5, Paid 2026-11-25) and More."""
RTF = rb"{\rtf1\ansi Hello\par\page Again}"

LAUGHS = (
    '<!DOCTYPE w [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {name} "{f"&{before};" * 20}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>"
)


def laughing() -> bytes:
    """Entities of entities: 20 to the power of 8."""
    return raw_docx(paragraph("&i;"), before=LAUGHS)


def stealing(url: str) -> list[bytes]:
    """One whose text is what an entity reads from an address, and one with a linked picture that is there."""
    entity = f'<!DOCTYPE w [<!ENTITY x SYSTEM "{url}">]>'
    picture = f'<draw:image xlink:href="{url}" xlink:type="simple" xmlns:xlink="http://www.w3.org/1999/xlink"/>'
    frame = f'<text:p><draw:frame svg:width="5cm" svg:height="5cm">{picture}</draw:frame></text:p>'
    return [raw_docx(paragraph("&x;"), before=entity), odf("text", frame)]


def zip_bomb(gigabytes: int) -> bytes:
    """A text document of some megabytes, whose paragraphs are gigabytes."""
    out, piece = io.BytesIO(), paragraph("x" * 1000).encode() * 1000
    with zipfile.ZipFile(io.BytesIO(raw_docx(""))) as plain, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name in plain.namelist():
            before, end, after = plain.read(name).partition(b"</w:body>")
            with made.open(name, "w", force_zip64=True) as part:
                part.write(before)
                for _ in range(gigabytes * 1000 if end else 0):
                    part.write(piece)
                part.write(end + after)
    return out.getvalue()


def with_macro() -> bytes:
    """A macro that runs as soon as the document is opened, and writes a file."""
    script = (
        '<script:module xmlns:script="http://openoffice.org/2000/script" script:name="M" script:language="StarBasic">'
        'Sub Main\nOpen Environ("HOME") &amp; "/macro.ran" For Output As #1\nClose #1\nEnd Sub</script:module>'
    )
    events = (
        f'<office:event-listeners xmlns:script="{_ODF}:script:1.0" xmlns:xlink="http://www.w3.org/1999/xlink">'
        '<script:event-listener script:language="ooo:script" script:event-name="dom:load" '
        'xlink:href="vnd.sun.star.script:Standard.M.Main?language=Basic&amp;location=document"/>'
        "</office:event-listeners>"
    )
    with zipfile.ZipFile(io.BytesIO(ODT)) as plain:
        parts = {name: plain.read(name).decode() for name in plain.namelist()}
    parts["content.xml"] = parts["content.xml"].replace(
        "<office:body>", f"<office:scripts>{events}</office:scripts><office:body>"
    )
    library = "http://openoffice.org/2000/library"
    parts |= {
        "Basic/Standard/M.xml": script,
        "Basic/Standard/script-lb.xml": f'<library:library xmlns:library="{library}" library:name="Standard">'
        '<library:element library:name="M"/></library:library>',
        "Basic/script-lc.xml": f'<library:libraries xmlns:library="{library}">'
        '<library:library library:name="Standard" library:link="false"/></library:libraries>',
    }
    return zipped(parts)


ENCRYPTED = OLE + bytes(504) + "EncryptedPackage".encode("utf-16-le") + bytes(1000)
"""As Word protects a document by a password: a container with the encrypted one."""
