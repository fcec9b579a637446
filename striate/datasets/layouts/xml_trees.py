"""XML files as trees (XML 1.0, W3C), without document types and entities: they can grow without end, or read files."""

from pathlib import Path
from typing import NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from striate.errors import DataError


def read_xml(path: Path) -> Element:
    """The root element. Raises DataError if the file is not XML, or declares a document type."""
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = lambda *_: _refuse(path)
    try:
        parser.Parse(path.read_bytes(), True)
        return builder.close()
    except expat.ExpatError as error:
        raise DataError(
            f"{path}, line {error.lineno}: {expat.ErrorString(error.code)}; expected XML: write the file again"
        ) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}; check that it is there and may be read") from error


def _refuse(path: Path) -> NoReturn:
    raise DataError(
        f"{path} declares a document type, which may hold entities and is not read; remove its <!DOCTYPE …>"
    )
