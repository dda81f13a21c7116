"""`${...}`: JavaScript in QuickJS with the real moment.js, as Digdag evaluates it.

A text is split once into literal parts and expressions and compiled to one JavaScript function, which is
kept. Only the parameters whose names stand in an expression are handed over, so a task pays for what it
uses, and the runner knows which parameters a task read. Digdag's engine is ECMAScript 5: what is newer,
in syntax or library, is refused here too.
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata, resources
from pathlib import Path
from typing import Any, NamedTuple

from tdlocal.workflow.faults import ConfigError

KEPT = 4000  # compiled texts
SHOWN = 600  # characters of a text in an error
ESCAPED = "\uffffjson"  # before a text that the engine gives as JSON
SECONDS = 20  # an expression may compute
MEGABYTES = 512  # and hold
IDENTIFIER = re.compile(r"[A-Za-z_$\u0080-\U0010ffff][\w$]*")
OPENING = re.compile(r"\$\{(?![a-z]+:)(?=[\s\S])")  # ${secret:…} is for operators
BRACE = re.compile(r"[{}]")
CLOCK = re.compile(r"\b(?:moment|Date)\b")
NEWER_WORDS = {"let", "const", "class", "async", "await", "yield", "import", "export", "super"}
_zone_lock = threading.RLock()
_engines = threading.local()
_compiled: OrderedDict[str, Template] = OrderedDict()
_compiled_lock = threading.Lock()


class Template(NamedTuple):
    """A text taken apart: literal parts (str) and expressions ((code,) tuples), names used, whether it
    reads the clock.
    """

    parts: tuple[Any, ...]
    names: frozenset[str]
    everything: bool
    clock: bool
    fault: str


def split(text: str) -> list[str | tuple[str]]:
    """Literal texts and one-tuples of expression code, in order, cut as Digdag cuts them: braces count
    wherever they stand, in quotes too; from a `${` that nothing closes on, everything is literal.

    >>> split("a $$ ${x + 1} ${secret:k} ${ {a: 1}.a }")
    ['a $ ', ('x + 1',), ' ${secret:k} ', (' {a: 1}.a ',)]
    >>> split("$${n} ${} ${1+1 y")
    ['$', ('n',), '  ${1+1 y']
    >>> split("${secret:${site}.key} ${s.replace(/'/g, '')}")
    ['${secret:', ('site',), '.key} ', ("s.replace(/'/g, '')",)]
    """
    parts: list[str | tuple[str]] = []
    literal = ""
    position = 0
    while found := OPENING.search(text, position):
        literal += text[position : found.start()].replace("$$", "$")
        end = _end_of_expression(text, found.end())
        if end < 0:
            position = found.start()
            break
        position = end + 1
        if end == found.end():
            continue
        parts += [literal, (text[found.end() : end],)] if literal else [(text[found.end() : end],)]
        literal = ""
    literal += text[position:].replace("$$", "$")
    return [*parts, literal] if literal else parts


def _end_of_expression(text: str, position: int) -> int:
    """Where the brace that ends the expression stands; -1 when there is none."""
    depth = 0
    for brace in BRACE.finditer(text, position):
        depth += 1 if brace.group() == "{" else -1
        if depth < 0:
            return brace.start()
    return -1


def _end_of_string(text: str, position: int) -> int:
    quote = text[position]
    position += 1
    while position < len(text):
        if text[position] == "\\":
            position += 1
        elif text[position] == quote:
            return position
        position += 1
    return -1


def without_strings(code: str) -> str:
    """*code* with the inside of strings, comments and regular expressions blanked.

    >>> without_strings("a + 'x => y' + /b=>/.test(c) // d")
    "a + '      ' + /   /.test(c)     "
    """
    out: list[str] = []
    position, size = 0, len(code)
    last = ""
    while position < size:
        character = code[position]
        if character in "'\"":
            end = _end_of_string(code, position)
            end = size - 1 if end < 0 else end
            out.append(character + " " * (end - position - 1) + (code[end] if end > position else ""))
            position, last = end + 1, character
        elif code.startswith("//", position):
            end = code.find("\n", position)
            end = size if end < 0 else end
            out.append(" " * (end - position))
            position = end
        elif code.startswith("/*", position):
            end = code.find("*/", position + 2)
            end = size if end < 0 else end + 2
            out.append(" " * (end - position))
            position = end
        elif (
            character == "/"
            and last not in (")", "]", "}")
            and not (last.isalnum() or last in ("_", "$", "'", '"'))
        ):
            end = _end_of_regex(code, position)
            out.append("/" + " " * (end - position - 1) + "/")
            position, last = end + 1, "/"
            while position < size and code[position].isalpha():  # its flags
                out.append(" ")
                position += 1
        else:
            out.append(character)
            if not character.isspace():
                last = character
            position += 1
    return "".join(out)


def _end_of_regex(code: str, position: int) -> int:
    inside = False
    position += 1
    while position < len(code) - 1:
        character = code[position]
        if character == "\\":
            position += 1
        elif character == "[":
            inside = True
        elif character == "]":
            inside = False
        elif character == "/" and not inside:
            return position
        position += 1
    return len(code) - 1


def newer_than_es5(code: str) -> str:
    """What in *code* ECMAScript 5 does not have, or empty text.

    >>> newer_than_es5("[1].map(x => x)"), newer_than_es5("'=>'"), newer_than_es5("a ? .5 : b")
    ('an arrow function (=>)', '', '')
    """
    bare = without_strings(code)
    if "=>" in bare:
        return "an arrow function (=>)"
    if "`" in bare:
        return "a template string (`)"
    if "..." in bare:
        return "spread (...)"
    if "**" in bare:
        return "the power operator (**)"
    if "??" in bare:
        return "the ?? operator"
    if re.search(r"\?\.(?!\d)", bare):
        return "optional chaining (?.)"
    for word in re.finditer(r"(?<![.\w$])[a-z]+(?!\s*:)\b", bare):
        if word.group() in NEWER_WORDS:
            return f"the word {word.group()}"
    return ""


def template(text: str) -> Template:
    """*text* taken apart; kept for the next time."""
    with _compiled_lock:
        found = _compiled.get(text)
        if found is not None:
            _compiled.move_to_end(text)
            return found
    parts = tuple(split(text))
    codes = [part[0] for part in parts if isinstance(part, tuple)]
    bare = " ".join(without_strings(code) for code in codes)
    names = frozenset(IDENTIFIER.findall(bare))
    everything = bool(names & {"eval", "Function", "arguments"}) or bool(
        re.search(r"\bthis\b(?!\s*\.)", bare)
    )
    fault = next((word for word in map(newer_than_es5, codes) if word), "")
    found = Template(parts, names, everything, bool(CLOCK.search(bare)), fault)
    with _compiled_lock:
        _compiled[text] = found
        if len(_compiled) > KEPT or len(text) > 200_000:
            _compiled.popitem(last=False)
    return found


class Engine:
    """One QuickJS context; belongs to one thread."""

    def __init__(self) -> None:
        import quickjs

        self.failure: type[Exception] = quickjs.JSException
        self.context = quickjs.Context()
        self.context.set_memory_limit(MEGABYTES * 1_000_000)
        self.context.set_max_stack_size(1_000_000)
        self.context.set_time_limit(SECONDS)
        self.has_moment = False
        self.functions: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self.context.eval(_script("engine.js"))

    def run(self, found: Template, scope: Mapping[str, Any], zone: str) -> str:
        if found.clock and not self.has_moment:
            self.context.eval(_moment())
            self.has_moment = True
        function = self.functions.get(found.parts)
        if function is None:
            function = self.context.eval(_source(found))
            self.functions[found.parts] = function
            if len(self.functions) > KEPT:
                self.functions.popitem(last=False)
        values = json.dumps(scope, ensure_ascii=False, default=str)
        if not found.clock:
            return whole(function(values))
        with time_zone(zone):
            return whole(function(values))


def _script(name: str) -> str:
    return resources.files("tdlocal.workflow").joinpath(name).read_text(encoding="utf-8")


def _moment() -> str:
    """The text of moment.js; found as a file, since importing its package would start a web framework."""
    file = metadata.distribution("js.momentjs").locate_file("js/momentjs/resources/moment.min.js")
    return Path(str(file)).read_text(encoding="utf-8")


def whole(text: str) -> str:
    """What an expression gave; text with a NUL comes as JSON, since Python gets it up to the NUL only."""
    return str(json.loads(text[len(ESCAPED) :]) if text.startswith(ESCAPED) else text)


def _source(found: Template) -> str:
    pieces = []
    for part in found.parts:
        if isinstance(part, str):
            pieces.append(json.dumps(part))
        elif part[0] == "":
            continue
        else:
            pieces.append(f"__text((\n{part[0]}\n))")
    body = "+".join(pieces) or "''"
    return (
        "(function(__json){return __whole((function(){with(this){return ''+"
        + body
        + "}}).call(JSON.parse(__json)))})"
    )


@contextmanager
def time_zone(name: str) -> Iterator[None]:
    """JavaScript's local time is *name* inside; QuickJS asks the C library, whose zone is process-wide."""
    with _zone_lock:
        before = os.environ.get("TZ")
        os.environ["TZ"] = _zone_setting(name)
        time.tzset()
        try:
            yield
        finally:
            if before is None:
                del os.environ["TZ"]
            else:
                os.environ["TZ"] = before
            time.tzset()


def _zone_setting(name: str) -> str:
    offset = re.fullmatch(r"(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d{2}))?", name)
    if offset:
        sign = "-" if offset[1] == "+" else "+"
        return f"<{offset[1]}{offset[2]}{offset[3] or ''}>{sign}{offset[2]}:{offset[3] or '00'}"
    if name in ("UTC", "Z", "GMT"):
        return "UTC0"
    for folder in ("/usr/share/zoneinfo", *_packaged_zones()):
        if (Path(folder) / name).is_file():
            return f":{folder}/{name}"
    return name


def _packaged_zones() -> list[str]:
    try:
        return [str(resources.files("tzdata").joinpath("zoneinfo"))]
    except ModuleNotFoundError:
        return []


def evaluate(text: str, scope: Mapping[str, Any], zone: str = "UTC", reads: set[str] | None = None) -> str:
    """*text* with every `${...}` replaced.

    Args:
        text: any text.
        scope: parameters by name.
        zone: time zone of moment() and Date.
        reads: names of the parameters that were handed over are added here.

    Raises:
        ConfigError: an undefined name, a syntax error, or anything newer than ECMAScript 5.
    """
    found = template(text)
    if not any(isinstance(part, tuple) for part in found.parts):
        return "".join(found.parts)
    if found.fault:
        raise _refused(
            text, f"SyntaxError: {found.fault} is not known to Digdag's JavaScript, which is ECMAScript 5"
        )
    wanted = scope if found.everything else {name: scope[name] for name in found.names if name in scope}
    if reads is not None:
        reads.update(wanted)
    engine = getattr(_engines, "engine", None)
    if engine is None:
        engine = _engines.engine = Engine()
    try:
        return engine.run(found, wanted, zone)
    except engine.failure as error:
        raise _refused(text, _words(error, found)) from None
    except RecursionError:
        raise _refused(text, "nested too deep") from None


def syntax_fault(found: Template) -> str:
    """What is wrong with the JavaScript of a text; empty when it parses. Nothing is computed."""
    engine = getattr(_engines, "engine", None)
    if engine is None:
        engine = _engines.engine = Engine()
    try:
        engine.context.eval(_source(found))
    except engine.failure as error:
        return _words(error, found)
    return ""


def _refused(text: str, words: str) -> ConfigError:
    """The fault of a text that cannot be evaluated; a person is shown the line with the expression only."""
    name = re.match(r"ReferenceError: (\S+) is not defined", words)
    lines = [line.strip() for line in text.split("\n") if "${" in line]
    about = [line for line in lines if name and name[1] in line] or lines or [text]
    line = about[0] if len(about[0]) <= 120 else about[0][:120] + "…"
    mend = ""
    if name:
        asked = f"`typeof {name[1]} === 'undefined'` asks whether it is there"
        mend = f"define {name[1]} in _export or give -p {name[1]}=…; {asked}"
    return ConfigError(f"Failed to evaluate a variable {_shown(text)} ({words})", f"{words} in {line}", mend)


def _shown(text: str) -> str:
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def _words(error: Exception, found: Template) -> str:
    words = str(error).split("\n    at ")[0].strip()
    words = re.sub(r"'([^']*)' is not defined", r"\1 is not defined", words)
    words = words.replace("TypeError: cannot read", "TypeError: Cannot read")
    if words.startswith("InternalError: interrupted") or words == "null":
        _engines.engine = None
        words = f"stopped: it computed for more than {SECONDS} seconds"
    elif "out of memory" in words:
        _engines.engine = None
    if "not a function" in words:
        newer = sorted(found.names & _NEWER_MOMENT)
        if newer:
            words += f": moment.{newer[0]} is newer than the kit's moment.js 2.13, Digdag's 2.21.0 has it"
        library = sorted(found.names & _NEWER_LIBRARY)
        if library:
            words += f": {library[0]} is newer than ECMAScript 5, Digdag does not have it either"
    return words


_NEWER_MOMENT = {"isRFC2822", "localeData", "updateLocale", "HTML5_FMT", "parseTwoDigitYear"}
_NEWER_LIBRARY = {
    "includes",
    "startsWith",
    "endsWith",
    "repeat",
    "padStart",
    "padEnd",
    "find",
    "findIndex",
    "fill",
    "assign",
    "entries",
    "values",
    "from",
    "flat",
    "flatMap",
    "trimStart",
    "trimEnd",
    "replaceAll",
    "isInteger",
    "trunc",
    "at",
}
