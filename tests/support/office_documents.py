"""Office documents as Word, Excel and PowerPoint write them, harmless and hostile."""

import io
import zipfile

_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006"
_MAIN = "application/vnd.openxmlformats-officedocument"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_SLIDE = "http://schemas.openxmlformats.org/presentationml/2006/main"


def package(parts: dict[str, str], types: dict[str, str]) -> bytes:
    """A ZIP of these parts; `types` by the name of the part."""
    named = "".join(f'<Override PartName="/{name}" ContentType="{_MAIN}.{kind}+xml"/>' for name, kind in types.items())
    ending = "application/vnd.openxmlformats-package.relationships+xml"
    listed = (
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType="{ending}"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{named}</Types>'
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {"[Content_Types].xml": listed, **parts}.items():
            archive.writestr(name, text)
    return out.getvalue()


def related(*links: tuple[str, str], external: tuple[tuple[str, str], ...] = ()) -> str:
    """Relationships r1, r2, ...: kinds and targets; those outside the document after the others."""
    every = [(kind, target, "") for kind, target in links]
    every += [(kind, target, ' TargetMode="External"') for kind, target in external]
    written = "".join(
        f'<Relationship Id="r{number}" Type="{_OFFICE}/{kind}" Target="{target}"{mode}/>'
        for number, (kind, target, mode) in enumerate(every, 1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{written}</Relationships>'


def docx(body: str, relations: str = "", more: dict[str, str] | None = None) -> bytes:
    """A text document of this XML."""
    spaces = (
        f'xmlns:w="{_WORD}" xmlns:r="{_OFFICE}" xmlns:a="{_DRAWING}/main" xmlns:pic="{_DRAWING}/picture" '
        f'xmlns:wp="{_DRAWING}/wordprocessingDrawing" xmlns:v="urn:schemas-microsoft-com:vml"'
    )
    parts = {
        "_rels/.rels": related(("officeDocument", "word/document.xml")),
        "word/_rels/document.xml.rels": relations or related(),
        "word/document.xml": f"<w:document {spaces}><w:body>{body}</w:body></w:document>",
    }
    return package(parts | (more or {}), {"word/document.xml": "wordprocessingml.document.main"})


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def hostile_docx(url: str) -> bytes:
    """Scripts, HTML, links and pictures that would reach `url`, in every place that a text document has."""
    picture = (
        '<w:p><w:r><w:drawing><wp:inline><wp:extent cx="900000" cy="900000"/><a:graphic><a:graphicData uri="p">'
        '<pic:pic><pic:blipFill><a:blip r:link="r3" r:embed="r3"/></pic:blipFill><pic:spPr/></pic:pic>'
        "</a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>"
    )
    shape = (
        f'<w:p><w:r><w:pict><v:rect style="width:9pt;height:9pt;background:url({url}/style)">'
        f'<v:imagedata r:id="r3" href="{url}/href"/></v:rect></w:pict></w:r></w:p>'
    )
    font = f'<w:p><w:r><w:rPr><w:rFonts w:ascii="x;background:url({url}/font)"/></w:rPr><w:t>font</w:t></w:r></w:p>'
    body = (
        paragraph(f"&lt;img src='{url}/text' onerror='parent.hacked=1'&gt;&lt;script&gt;hacked=1&lt;/script&gt;")
        + '<w:p><w:hyperlink r:id="r1"><w:r><w:t>Script link</w:t></w:r></w:hyperlink></w:p>'
        + '<w:p><w:hyperlink r:id="r2"><w:r><w:t>Web link</w:t></w:r></w:hyperlink></w:p>'
        + picture
        + shape
        + font
        + '<w:altChunk r:id="r4"/>'
        + paragraph("The end")
    )
    outside = (("hyperlink", "javascript:parent.hacked=1"), ("hyperlink", f"{url}/link"), ("image", f"{url}/image"))
    html = f"<script>parent.parent.postMessage('hacked','*')</script><img src='{url}/chunk'>"
    relations = related(external=outside).replace(
        "</Relationships>", f'<Relationship Id="r4" Type="{_OFFICE}/aFChunk" Target="chunk.html"/></Relationships>'
    )
    return docx(body, relations, {"word/chunk.html": html})


def xlsx(*sheets: str) -> bytes:
    """A sheet for each XML of rows, named Sheet 1, ..."""
    numbers = range(1, len(sheets) + 1)
    listed = "".join(f'<sheet name="Sheet {n}" sheetId="{n}" r:id="r{n}"/>' for n in numbers)
    parts = {
        "_rels/.rels": related(("officeDocument", "xl/workbook.xml")),
        "xl/_rels/workbook.xml.rels": related(*(("worksheet", f"worksheets/sheet{n}.xml") for n in numbers)),
        "xl/workbook.xml": f'<workbook xmlns="{_SHEET}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>',
    }
    for number, rows in enumerate(sheets, 1):
        text = f'<worksheet xmlns="{_SHEET}"><sheetData>{rows}</sheetData></worksheet>'
        parts[f"xl/worksheets/sheet{number}.xml"] = text
    return package(parts, {"xl/workbook.xml": "spreadsheetml.sheet.main"})


def row(number: int, *values: str | int) -> str:
    cells = "".join(
        f'<c r="{chr(65 + at)}{number}"><v>{value}</v></c>'
        if isinstance(value, int)
        else f'<c r="{chr(65 + at)}{number}" t="inlineStr"><is><t>{value}</t></is></c>'
        for at, value in enumerate(values)
    )
    return f'<row r="{number}">{cells}</row>'


def pptx(*texts: str) -> bytes:
    """A slide for each text."""
    spaces = f'xmlns:a="{_DRAWING}/main" xmlns:p="{_SLIDE}" xmlns:r="{_OFFICE}"'
    group = '<p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>'
    colours = "".join(
        f'<a:{name}><a:srgbClr val="{"FFFFFF" if name.startswith("lt") else "202020"}"/></a:{name}>'
        for name in ("dk1", "lt1", "dk2", "lt2", *(f"accent{number}" for number in range(1, 7)), "hlink", "folHlink")
    )
    mapped = (
        '<p:clrMap bg1="lt1" tx1="dk1" bg2="lt2" tx2="dk2" accent1="accent1" accent2="accent2" accent3="accent3" '
        'accent4="accent4" accent5="accent5" accent6="accent6" hlink="hlink" folHlink="folHlink"/>'
    )
    numbers = range(1, len(texts) + 1)
    listed = "".join(f'<p:sldId id="{255 + n}" r:id="r{n + 1}"/>' for n in numbers)
    parts = {
        "_rels/.rels": related(("officeDocument", "ppt/presentation.xml")),
        "ppt/presentation.xml": f'<p:presentation {spaces}><p:sldMasterIdLst><p:sldMasterId id="1" r:id="r1"/>'
        f'</p:sldMasterIdLst><p:sldIdLst>{listed}</p:sldIdLst><p:sldSz cx="9144000" cy="5143500"/></p:presentation>',
        "ppt/_rels/presentation.xml.rels": related(
            ("slideMaster", "slideMasters/slideMaster1.xml"), *(("slide", f"slides/slide{n}.xml") for n in numbers)
        ),
        "ppt/slideMasters/slideMaster1.xml": f"<p:sldMaster {spaces}><p:cSld><p:spTree>{group}</p:spTree></p:cSld>"
        f"{mapped}</p:sldMaster>",
        "ppt/slideMasters/_rels/slideMaster1.xml.rels": related(
            ("slideLayout", "../slideLayouts/slideLayout1.xml"), ("theme", "../theme/theme1.xml")
        ),
        "ppt/slideLayouts/slideLayout1.xml": f"<p:sldLayout {spaces}><p:cSld><p:spTree>{group}</p:spTree></p:cSld>"
        "</p:sldLayout>",
        "ppt/slideLayouts/_rels/slideLayout1.xml.rels": related(("slideMaster", "../slideMasters/slideMaster1.xml")),
        "ppt/theme/theme1.xml": f'<a:theme {spaces} name="t"><a:themeElements><a:clrScheme name="c">{colours}'
        "</a:clrScheme></a:themeElements></a:theme>",
    }
    for number, text in enumerate(texts, 1):
        parts[f"ppt/slides/slide{number}.xml"] = (
            f"<p:sld {spaces}><p:cSld><p:spTree>{group}<p:sp><p:nvSpPr>"
            '<p:cNvPr id="2" name="Text"/><p:cNvSpPr/><p:nvPr/></p:nvSpPr><p:spPr><a:xfrm><a:off x="9000" y="9000"/>'
            '<a:ext cx="6000000" cy="900000"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/></a:prstGeom></p:spPr>'
            f'<p:txBody><a:bodyPr/><a:p><a:r><a:rPr sz="3200"><a:hlinkClick r:id="r2"/></a:rPr><a:t>{text}</a:t>'
            "</a:r></a:p></p:txBody></p:sp></p:spTree></p:cSld></p:sld>"
        )
        parts[f"ppt/slides/_rels/slide{number}.xml.rels"] = related(
            ("slideLayout", "../slideLayouts/slideLayout1.xml"), external=(("hyperlink", "https://example.org/slide"),)
        )
    kinds = {"ppt/presentation.xml": "presentationml.presentation.main"}
    kinds |= {"ppt/slideMasters/slideMaster1.xml": "presentationml.slideMaster"}
    kinds |= {"ppt/slideLayouts/slideLayout1.xml": "presentationml.slideLayout", "ppt/theme/theme1.xml": "theme"}
    kinds |= {f"ppt/slides/slide{n}.xml": "presentationml.slide" for n in numbers}
    return package(parts, kinds)
