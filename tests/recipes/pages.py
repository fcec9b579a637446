"""A page as a browser takes it, for the tests of what striate writes as HTML."""

from html.parser import HTMLParser

FETCHING = ("src", "href", "srcset", "data", "action", "poster", "background", "cite", "xlink:href")


class Page(HTMLParser):
    """The tags of a page, what they would fetch, of these what at once, and its text.

    A tag that is not closed in its place is an error.
    """

    EMPTY = ("meta", "img", "br")

    def __init__(self, path):
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.tags, self.open, self.fetched, self.sources, self.text = [], [], [], [], ""
        self.feed(self.source)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.fetched += [value for name, value in attributes if name in FETCHING]
        self.sources += [value for name, value in attributes if name in FETCHING and tag != "a"]
        self.open += [tag] * (tag not in self.EMPTY)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.text += text
