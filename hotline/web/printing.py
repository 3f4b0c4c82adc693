"""The templates' engine: Jinja, told what can be known before anybody asks.

Fixed words and the addresses of our own files are put into a template's text when it is compiled, and what is printed
is escaped without being wrapped first: both cost more than everything else that a long page does. What comes out is to
the letter what Jinja would print.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.visitor import NodeTransformer
from markupsafe import Markup, escape

_marked = re.compile(r"[&<>\"']").search


def printed(value: Any) -> str:  # noqa: ANN401 - whatever a template prints
    """Return a value as it stands in a page: Markup as it is, everything else escaped."""
    kind = type(value)
    return value if kind is Markup or (kind is str and not _marked(value)) else escape(value)


class _Code(CodeGenerator):
    """Lets templates print by `printed`; `escape` makes a Markup of every piece, only for it to be joined."""

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:  # noqa: ANN401 - Jinja's own
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.printed(")


class _Fixing(NodeTransformer):
    """Puts the words that are named in a template into it, and what a fixed function makes of a constant."""

    def __init__(self, words: Mapping[str, object], functions: Mapping[str, Callable[[str], str]]) -> None:
        self._words, self._functions = words, functions

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Node:  # noqa: N802 - Jinja names it
        """Return the word, where the name is of a set of words and the word is text."""
        owner = node.node
        if isinstance(owner, nodes.Name) and owner.ctx == "load" and owner.name in self._words:
            word = getattr(self._words[owner.name], node.attr)
            if isinstance(word, str):
                return nodes.Const(word, lineno=node.lineno)
        return self.generic_visit(node)

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802 - the same
        """Return what the function says of a constant."""
        if isinstance(node.node, nodes.Name) and node.node.name in self._functions:
            (given,) = (one.as_const() for one in node.args)
            return nodes.Const(self._functions[node.node.name](given), lineno=node.lineno)
        return self.generic_visit(node)

    def visit_Name(self, node: nodes.Name) -> nodes.Node:  # noqa: N802 - the same
        """Refuse a template that gives the name of fixed words to something of its own."""
        if node.ctx != "load" and node.name in {*self._words, *self._functions}:
            message = f"{node.name} names fixed words"
            raise jinja2.TemplateAssertionError(message, node.lineno)
        return node


class Templates(jinja2.Environment):
    """Our templates; `words` are known by their names in all of them, and so are functions of constants."""

    code_generator_class = _Code

    def __init__(
        self, package: str, words: Mapping[str, object], functions: Mapping[str, Callable[[str], str]]
    ) -> None:
        super().__init__(
            loader=jinja2.PackageLoader(package, "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self.printed = printed
        self.globals.update(words)
        self._fixing = _Fixing(words, functions)

    def _generate(
        self,
        source: nodes.Template,
        name: str | None,
        filename: str | None,
        defer_init: bool = False,  # noqa: FBT001, FBT002 - Jinja's own
    ) -> str:
        return super()._generate(self._fixing.visit(source), name, filename, defer_init)
