"""Figures inside of an HTML page: an SVG element that shares the page with others, small and readable."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import count

from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from dferbench.figures.save import content_of
from dferbench.figures.style import WEB, Style
from dferbench.figures.words import shown

_NOTHING = {"Date": None, "Creator": None, "Format": None, "Type": None}
_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_REFERENCE = re.compile(r"#([\w.-]+)")
_POINTS_TO_PIXELS = 96 / 72
_FONT = "font-family:'DejaVu Sans',Verdana,sans-serif"
INHERITED = f"{_FONT};stroke-linejoin:round;stroke-linecap:butt;max-width:100%;height:auto"
"""What matplotlib says at every text, or in a style sheet that would hold for the whole page; and that the
figure fits the page."""


def inline_svg(figure: Figure, name: str, alt: str) -> str:
    """The figure as an <svg> element whose ids all begin with `name`, with `alt` for who cannot see it.

    Text is text, and the ground is that of the page. Ink and muted colour are the variables --figure-ink and
    --figure-muted of the page if that sets them, so that a light figure becomes a dark one. Raises ValueError
    for a name that is no id.
    """
    if not re.fullmatch(r"[A-Za-z][\w-]*", name, re.ASCII):
        raise ValueError(f"the name of a figure must be letters, digits and hyphens, got {name!r}")
    root = ET.fromstring(content_of(figure, "svg", _NOTHING, **{"svg.fonttype": "none"}))
    _plain(root)
    _renamed(root, name)
    _without_idle(root, str(to_hex(figure.get_facecolor())))
    for element in root.iter():
        _small(element)
    _headed(root, name, alt)
    return ET.tostring(root, encoding="unicode")


def _plain(root: ET.Element) -> None:
    """Without namespaces, metadata, style sheets, and the blanks between elements."""
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {key.rpartition("}")[2]: value for key, value in element.attrib.items()}
        element.tail = None
        if element.tag != "text" and element.tag != "tspan":
            element.text = None
        for child in list(element):
            if child.tag.rpartition("}")[2] in ("metadata", "style"):
                element.remove(child)
    for element in root.iter():
        for child in list(element):
            if child.tag == "defs" and not len(child):
                element.remove(child)


def _renamed(root: ET.Element, name: str) -> None:
    """Ids that something refers to, numbered behind the name; the others are left out."""
    values = [value for element in root.iter() for key, value in element.attrib.items() if key != "id"]
    used = {found for value in values for found in _REFERENCE.findall(value)}
    numbers = count(1)
    new = {
        old: f"{name}-{next(numbers)}" for element in root.iter() if (old := element.get("id", "")) in used
    }
    for element in root.iter():
        if element.get("id", "") in new:
            element.set("id", new[element.attrib["id"]])
        else:
            element.attrib.pop("id", None)
        for key, value in element.attrib.items():
            if key != "id" and "#" in value:
                element.set(key, _REFERENCE.sub(lambda m: f"#{new.get(m[1], m[1])}", value))


def _without_idle(root: ET.Element, paper: str) -> None:
    """Without what shows nothing: grounds, groups without a property, rotations by nothing."""
    parents = {child: parent for parent in root.iter() for child in parent}
    for element, parent in parents.items():
        style = element.get("style", "").replace(" ", "")
        if element.tag == "path" and style in ("fill:none", f"fill:{paper}"):
            parent.remove(element)
        elif re.match(r"rotate\(-?0 ", element.get("transform", "")):
            del element.attrib["transform"]
    for element in reversed(list(root.iter())):
        idle = [child.tag == "g" and not child.attrib for child in element]
        pairs = zip(list(element), idle, strict=True)
        element[:] = [one for child, gone in pairs for one in (child if gone else [child])]


def _small(element: ET.Element) -> None:
    """Coordinates rounded to hundredths of a point, and colours that follow the page."""
    for key, value in element.attrib.items():
        if key in ("d", "points", "x", "y", "width", "height", "viewBox"):
            element.set(key, _joined(_NUMBER.sub(lambda m: _rounded(m[0], 2), value)))
        elif key == "transform":
            element.set(key, _NUMBER.sub(lambda m: _rounded(m[0], 4), value))
        elif key == "style":
            brief = re.sub(r"font-family:[^;]+;?", "", value.replace(": ", ":").replace("; ", ";"))
            element.set(key, _of_the_page(brief))


def _rounded(number: str, digits: int) -> str:
    return f"{float(number):.{digits}f}".rstrip("0").rstrip(".").replace("-0", "0") or "0"


def _joined(path: str) -> str:
    return re.sub(r"\s*([A-Za-z])\s*", r"\1", " ".join(path.split()))


_OF_THE_PAGE = {
    getattr(style, name): f"var(--figure-{name},{getattr(style, name)})"
    for style in (WEB, Style(dark=True))
    for name in ("ink", "muted")
}


def _of_the_page(style: str) -> str:
    return re.sub(r"#[0-9a-f]{6}", lambda match: _OF_THE_PAGE.get(match[0], match[0]), style)


def _headed(root: ET.Element, name: str, alt: str) -> None:
    """The root says how large it is, that it is one picture, and what it shows."""
    width, height = (float(side) for side in root.attrib["viewBox"].split()[2:])
    title, desc = ET.Element("title", id=f"{name}-title"), ET.Element("desc", id=f"{name}-desc")
    title.text, desc.text = shown(alt.split(":")[0], 120), shown(alt, 2000)
    root[:0] = [title, desc]
    root.attrib = {
        "xmlns": "http://www.w3.org/2000/svg",
        "role": "img",
        "aria-labelledby": title.attrib["id"],
        "aria-describedby": desc.attrib["id"],
        "viewBox": root.attrib["viewBox"],
        "width": f"{width * _POINTS_TO_PIXELS:.0f}",
        "height": f"{height * _POINTS_TO_PIXELS:.0f}",
        "style": INHERITED,
    }
