"""A page as a tree, so that tests read what a person sees."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


@dataclass
class Node:
    tag: str
    attrs: dict[str, str]
    children: list["Node | str"] = field(default_factory=list)

    def __iter__(self) -> Iterator["Node"]:
        """This element and all below it, in document order."""
        yield self
        for child in self.children:
            if isinstance(child, Node):
                yield from child

    @property
    def text(self) -> str:
        """The words, one blank between them."""
        parts = [c if isinstance(c, str) else c.text for c in self.children]
        return re.sub(r"\s+", " ", "".join(parts)).strip()

    @property
    def classes(self) -> set[str]:
        return set(self.attrs.get("class", "").split())

    def all(self, tag: str = "", css: str = "") -> list["Node"]:
        return [
            node for node in self
            if (not tag or node.tag == tag) and (not css or css in node.classes)
        ]  # fmt: skip

    def one(self, tag: str = "", css: str = "") -> "Node":
        found = self.all(tag, css)
        assert len(found) == 1, f"{len(found)} of <{tag}> .{css}"
        return found[0]

    def find(self, id: str) -> "Node | None":
        found = [node for node in self if node.attrs.get("id") == id]
        assert len(found) < 2, f"id {id} is there {len(found)} times"
        return found[0] if found else None

    def get(self, id: str) -> "Node":
        found = self.find(id)
        assert found is not None, f"no element with the id {id}"
        return found


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Node("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> ends <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def read(page: str) -> Node:
    """Fails where an element is not closed, or closed twice."""
    builder = _Builder()
    builder.feed(page)
    builder.close()
    assert len(builder.open) == 1, f"<{builder.open[-1].tag}> is not closed"
    return builder.root


NONCE = re.compile(r'nonce="[^"]*"')
TOKEN = re.compile(r'(name="csrf_token"[^>]*value=)"[^"]*"')


def without_secrets(html: str) -> str:
    """Nonces and tokens differ with every answer; everything else must not."""
    return TOKEN.sub(r'\1""', NONCE.sub('nonce=""', html))
